"""Does the runs of a sweep on Kubeflow Pipelines, each found again by its name, and brings back what the end needs."""

import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

from components.contracts.errors import InputError
from components.contracts.files import fresh_folder
from components.contracts.pods import INDEX, folders_of
from components.contracts.progress import Event
from pipelines.cluster.again import newest_try, see_through
from pipelines.cluster.failure import Failure, find_failure
from pipelines.cluster.kubeflow import ENDED, Cluster
from pipelines.cluster.records import Output, only, outputs
from pipelines.cluster.submit import check_for_cluster, fetch, fetch_results
from pipelines.cluster.versions import find_version
from pipelines.cluster.watch import SECONDS_BETWEEN_LOOKS, TaskStates
from pipelines.digest import code_digest
from pipelines.runs.endings import StageError
from pipelines.runs.folder import folder_name, open_run_folder
from pipelines.sweep.carry_out import Work
from pipelines.sweep.file import SweepFile
from pipelines.sweep.plan import PlannedRun, Sweep, lay_out

# What is wanted of each arm: the evaluation, and how long its trainings took.
OF_CELLS = (
    ("evaluate", "evaluation", ("evaluation.json", "probabilities.npy", "external.npy")),
    ("train_classifier", "models", ("training.json",)),
)
IMAGE_SET = ("imageset.json", "rows.csv", "images.npy")


def plan_there(file: SweepFile) -> Sweep:
    """Lay out a sweep for the cluster, and refuse what no run there can have; raises InputError."""
    if file.classes is None:
        raise InputError(
            f"classes: say how many classes {file.parameters[0]['data_set']} has, for it can't be listed from here; "
            "runs are split by it"
        )
    sweep = lay_out(file, file.classes)
    for run in sweep.runs:
        check_for_cluster(run.parameters)
    return sweep


def work_there(cluster: Cluster, sweep: Sweep, folder: Path, registry: str, tag: str, retry: bool) -> Work:
    """Return how a run is done in the cluster, in the experiment named like the sweep.

    A run that is there already, by its name, is waited for; only one that failed or was ended is started again. With
    `retry` one that fails outside its stages is submitted again.
    """
    experiment = cluster.experiment(sweep.name)
    version = find_version(cluster, registry, tag).reference
    ended = threading.Event()

    def do(run: PlannedRun, own: Path, show: Callable[[Event], None]) -> None:
        open_run_folder(own, run.parameters)
        name = run_name(sweep, run, f"{registry}:{tag}")
        first = cluster.find_run(experiment, name)
        found = newest_try(cluster, first) if first else None
        if not found or found.get("state") in ("FAILED", "CANCELED"):
            before = first["run_id"] if first else ""
            found = cluster.create_run(experiment, name, version, run.parameters, after=before)

        def watch(run_id: str) -> Failure | None:
            tasks = TaskStates()
            events: list[Event] = []
            while not ended.is_set():
                now = cluster.run(run_id)
                for event in tasks.look(now):
                    events.append(event)
                    show(event)
                if now.get("state") in ENDED:
                    return None if now["state"] == "SUCCEEDED" else find_failure(cluster, now, events)
                ended.wait(SECONDS_BETWEEN_LOOKS)
            raise StageError("broken off")

        def say(line: str) -> None:
            show(Event("warning", "-", "-", text=f"run {run.name}: {line}"))

        run_id = see_through(cluster, found, watch, retry, say)
        _bring(cluster, outputs(cluster, cluster.run(run_id)), own, folder_name(run_id), folder / "test_sets")

    return Work(do, ended.set)


def run_name(sweep: Sweep, run: PlannedRun, images: str) -> str:
    """Return the name that a run has in the cluster: another one for other parameters, images or code."""
    whole = json.dumps([run.parameters, images, code_digest()], sort_keys=True)
    return f"{sweep.name} {run.name} {hashlib.sha256(whole.encode()).hexdigest()[:12]}"


def _bring(cluster: Cluster, left: list[Output], own: Path, run: str, test_sets: Path) -> None:
    """Bring evaluations, test sets and results, laid out as a run on this machine leaves them; the verdict last."""
    artifacts = fresh_folder(own / "artifacts") / run
    for stage, name, files in OF_CELLS:
        addresses = [output.uri for output in left if (output.stage, output.name) == (stage, name)]
        for number, address in enumerate(addresses):
            pod = artifacts / f"pod-{number}" / stage.replace("_", "-") / name
            fetch(cluster, f"{address}/{INDEX}", pod / INDEX)
            for cell in folders_of(pod):
                for file in files:
                    fetch(cluster, f"{address}/{cell.name}/{file}", cell / file)
    (artifacts / "prepare").mkdir(parents=True)
    for name in ("test_set", "external_set"):
        address = only(left, "prepare", name)
        # Runs of one point have the same test sets, from the cache: they are brought once.
        shared = test_sets / hashlib.sha256(address.encode()).hexdigest()[:16]
        for file in IMAGE_SET:
            if not (shared / file).is_file():
                fetch(cluster, f"{address}/{file}", shared / file)
        link = artifacts / "prepare" / name
        link.symlink_to(os.path.relpath(shared, link.parent), target_is_directory=True)
    fetch_results(cluster, left, own)
