"""What a run left in the cluster: its tasks, their artifacts, and where these lie.

Three records know of the artifacts and are asked in this order: Kubeflow's own API, which names them from version 3 on;
its metadata store (lineage.py), which version 3 gives up; and, as the last resort, a listing of the bucket, for those
who may list it. The listing can't know the artifacts of tasks that were served from the cache: they lie below an older
run. The rest of gansweep sees tasks and outputs, never an answer of Kubeflow or a key of the bucket.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from components.storage.addresses import open_bucket
from components.storage.objects import ACCESS_KEY, ENDPOINT, SECRET_KEY
from pipelines.cluster.kubeflow import Cluster, ClusterError
from pipelines.cluster.lineage import CONTENT_TYPE, Post, find_failed_pods, find_outputs
from pipelines.gan_augmentation import NAME
from pipelines.placement import STAGES

# Below it lies a folder a run, in it one a task, in it one a try, in it the outputs (manifests/kfp/object-store.yaml).
ROOT = f"minio://mlpipeline/v2/artifacts/{NAME}"
DONE = ("SUCCEEDED", "SKIPPED", "CACHED")
_OF_THE_LAUNCHER = ("executor-logs", "output_metadata.json")


@dataclass(frozen=True)
class Task:
    """One stage of a run, in a loop one cell of it; `state` is Kubeflow's word, `error` is "" where there is none."""

    id: str
    stage: str
    state: str
    seconds: float
    error: str


@dataclass(frozen=True)
class Output:
    """One artifact that a task wrote: the stage, the name of the output, its address in the object store."""

    stage: str
    name: str
    uri: str


def stage_tasks(run: dict[str, Any]) -> list[Task]:
    """Return the tasks of a run (as `Cluster.run` gives it) that are stages, in the order of their start."""
    tasks = [task for task in _tasks(run) if _stage(task) in STAGES]
    return [
        Task(task["task_id"], _stage(task), task.get("state", ""), _seconds(task), _error(task))
        for task in sorted(tasks, key=lambda task: _start(task) or "~")
    ]


def failed_pods(cluster: Cluster, run: dict[str, Any]) -> list[str]:
    """Return the names of the pods of a run's failed stages, as far as the records know them.

    Version 3 names them in its tasks; version 2 has only Argo's nodes there, and the pods in its metadata store.
    """
    if tasks := run.get("tasks"):
        named = [
            pod.get("name", "") for task in tasks if task.get("state") == "FAILED" for pod in task.get("pods") or []
        ]
    else:
        try:
            named = find_failed_pods(_post_to(cluster), run["run_id"])
        except ClusterError:
            named = []
    return list(dict.fromkeys(name for name in named if name))


def failed_nodes(run: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the failed tasks of a run, stages or not, as version 2 has them: the name, and Argo's node below it."""
    found = []
    for task in run.get("run_details", {}).get("task_details") or []:
        children = [child["pod_name"] for child in task.get("child_tasks") or [] if child.get("pod_name")]
        if task.get("state") == "FAILED" and children:
            found.append((task.get("display_name", ""), children[-1]))
    return found


def outputs(cluster: Cluster, run: dict[str, Any]) -> list[Output]:
    """Return what the finished tasks of a run wrote, the older try of a task first; [] if no record knows the run.

    Raises ClusterError if the records are out of reach.
    """
    found = _told_by_api(run)
    if found:
        return found
    try:
        found = _told_by_metadata(cluster, run["run_id"])
    except ClusterError:
        found = _told_by_bucket(run["run_id"])
        if not found:
            raise
    return found or _told_by_bucket(run["run_id"])


def only(found: list[Output], stage: str, name: str) -> str:
    """Return the address of a stage's output, the newest if the stage was tried again; raises ClusterError."""
    addresses = [output.uri for output in found if (output.stage, output.name) == (stage, name)]
    if not addresses:
        raise ClusterError(f"the output '{name}' of {stage} is in no record of the run that Kubeflow Pipelines has")
    return addresses[-1]


def _told_by_api(run: dict[str, Any]) -> list[Output]:
    """Kubeflow 3: each task names its outputs, each output its artifacts."""
    return [
        Output(_stage(task), output["artifact_key"], artifact["uri"])
        for task in sorted(run.get("tasks") or [], key=_start)
        if task.get("state") in DONE and _stage(task) in STAGES
        for output in (task.get("outputs") or {}).get("artifacts") or []
        for artifact in output.get("artifacts") or []
        if artifact.get("uri")
    ]


def _told_by_metadata(cluster: Cluster, run_id: str) -> list[Output]:
    return [Output(stage, name, uri) for stage, name, uri in find_outputs(_post_to(cluster), run_id)]


def _post_to(cluster: Cluster) -> Post:
    headers = {"Content-Type": CONTENT_TYPE, "Accept": CONTENT_TYPE, "X-Grpc-Web": "1"}
    return lambda path, body, read: cluster.post(path, body, headers, read)


def _told_by_bucket(run_id: str) -> list[Output]:
    """Read the keys RUN/TASK/TRY/OUTPUT or RUN/TASK/TRY/OUTPUT/FILE; [] where the environment names no storage."""
    if not all(os.environ.get(variable) for variable in (ENDPOINT, ACCESS_KEY, SECRET_KEY)):
        return []
    address = f"{ROOT}/{run_id}"
    keys = [
        item.name.split("/")
        for item in sorted(open_bucket("artifacts", address).objects(first_contact=True), key=lambda item: item.written)
    ]
    places = dict.fromkeys(tuple(key[:3]) for key in keys if len(key) > 2)
    return [
        Output(task.replace("-", "_"), name, f"{address}/{task}/{attempt}/{name}")
        for task, attempt, name in places
        if not name.startswith(_OF_THE_LAUNCHER)
    ]


def _tasks(run: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tasks as Kubeflow has them: of version 3, else of version 2."""
    return run.get("tasks") or run.get("run_details", {}).get("task_details") or []


def _stage(task: dict[str, Any]) -> str:
    return (task.get("name") or task.get("display_name") or "").replace("-", "_")


def _start(task: dict[str, Any]) -> str:
    return task.get("start_time") or task.get("create_time") or ""


def _seconds(task: dict[str, Any]) -> float:
    start, end = _start(task), task.get("end_time")
    if not start or not end:
        return 0.0
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())


def _error(task: dict[str, Any]) -> str:
    told = task.get("error") or task.get("status_metadata") or {}
    return told.get("message", "")
