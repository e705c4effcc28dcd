"""gansweep sweep --cluster, against a stand-in for Kubeflow Pipelines whose runs leave what a run here left."""

import json
import os
import shutil
import signal
import threading
from pathlib import Path

import pytest
import yaml
from fake_kubeflow import FakeKubeflow, Fault, Pod, wait_until
from sweeps import add_external, make_fold

from pipelines.sweep.file import read_sweep_file
from pipelines.sweep.in_cluster import plan_there
from pipelines.sweep.join import join

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def file(finished, tmp_path) -> Path:
    """Return the file of a sweep of three points, a run each that share their GANs, with the arms of the small run."""
    parameters = yaml.safe_load((finished[0] / "parameters.yaml").read_text())
    content = {
        "data_set": "minio://gansweep/data/phantoms",
        "arms": parameters["arms"],
        "replicates": parameters["replicates"],
        "gan_replicates": 1,
        "grid": {"classifier_dropout": [0.1, 0.2, 0.3]},
        "classes": 2,
        "runs_at_once": 2,
    }
    path = tmp_path / "doses.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


@pytest.fixture
def sweep(kubeflow, gansweep, file, tmp_path):
    """Return a function that runs the sweep in the cluster, into tmp_path / "out"."""
    return lambda *words: gansweep(
        "sweep", file, "--cluster", "--out", tmp_path / "out", "--host", kubeflow.host, *words
    )


def test_a_sweep_in_the_cluster_ends_in_the_verdict_that_its_evaluations_give_here(
    kubeflow, sweep, file, finished, tmp_path
):
    shutil.copytree(finished[0], tmp_path / "left")
    add_external(tmp_path / "left")
    kubeflow.results = lambda parameters: tmp_path / "left"
    kubeflow.story = ["RUNNING"] * 20 + ["SUCCEEDED"]
    status, said, complaint = sweep()
    assert (status, complaint) == (0, "")
    dropouts = [run["runtime_config"]["parameters"]["classifier_dropout"] for run in kubeflow.runs]
    assert (dropouts[0], sorted(dropouts)) == (0.1, [0.1, 0.2, 0.3])
    # The others go at once, but not before the one that trains their GANs has ended.
    assert kubeflow.most_at_once == 2
    assert kubeflow.under_way_at_start == [0, 0, 1]
    assert [one["display_name"] for one in kubeflow.experiments] == ["doses"]
    assert "run 01-classifier_dropout-0.1: finished" in said

    planned = plan_there(read_sweep_file(file))
    for run in planned.runs:
        (tmp_path / "here" / "runs").mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / "runs" / run.name).symlink_to(tmp_path / "left")
    joined = json.loads((tmp_path / "out" / "sweep.json").read_text())
    assert joined == json.loads(json.dumps(join(planned, tmp_path / "here")))
    assert [(there["name"], there["comparisons"]) for there in joined["external_test_sets"]] == [("b", 6)]

    # A folder that was lost is filled again from the runs that are there.
    shutil.rmtree(tmp_path / "out")
    assert sweep()[0] == 0
    assert len(kubeflow.runs) == 3
    assert json.loads((tmp_path / "out" / "sweep.json").read_text()) == joined


def test_a_sweep_that_is_run_again_submits_nothing_twice(kubeflow, sweep, tmp_path):
    """Interrupted while its first run is under way, then after all of them have ended."""
    kubeflow.story = ["RUNNING"]

    def interrupt() -> None:
        wait_until(lambda: kubeflow.runs and kubeflow.runs[0]["looks"] > 1)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    status, _, complaint = sweep()
    assert status == 130
    assert f"the same command goes on with the sweep in {tmp_path / 'out'}" in complaint
    kubeflow.story = ["RUNNING", "SUCCEEDED"]
    assert sweep()[0] == 0
    assert len(kubeflow.runs) == 3
    before = len(kubeflow.requests)
    assert sweep()[0] == 0
    assert len(kubeflow.runs) == 3
    assert not any("/runs" in said for said in kubeflow.requests[before:])


def test_a_run_that_failed_stops_the_sweep_and_is_submitted_again_the_next_time(kubeflow, sweep):
    kubeflow.story = ["RUNNING", "FAILED"]
    kubeflow.pods = [Pod("p-1", "prepare", "gansweep failed prepare - InputError: data_set: nothing there\n", "Failed")]
    status, _, complaint = sweep()
    assert status == 1
    assert complaint.startswith("gansweep: run 01-classifier_dropout-0.1: prepare failed: data_set: nothing there (")
    assert complaint.count("\n") == 1
    assert len(kubeflow.runs) == 1
    kubeflow.story = ["SUCCEEDED"]
    assert sweep()[0] == 0
    assert len(kubeflow.runs) == 4


def test_a_run_that_failed_outside_its_stages_is_submitted_again_by_the_sweep(kubeflow, sweep, tmp_path):
    kubeflow.stories = [["RUNNING", "FAILED"]]
    status, said, _ = sweep()
    assert (status, len(kubeflow.runs)) == (0, 4)
    assert "run 01-classifier_dropout-0.1: the run failed outside its stages: no reason given; submitted again" in said
    # The try that succeeded is found again for a folder that was lost.
    shutil.rmtree(tmp_path / "out")
    assert sweep()[0] == 0
    assert len(kubeflow.runs) == 4


def test_a_sweep_may_be_told_not_to_try_again(kubeflow, sweep):
    kubeflow.stories = [["RUNNING", "FAILED"]]
    assert sweep("--no-retry")[0] == 1
    assert len(kubeflow.runs) == 1


def test_a_sweep_outlives_lost_connections_without_submitting_twice(kubeflow, sweep):
    kubeflow.faults = [
        Fault("POST /apis/v2beta1/runs", done=True),
        Fault("GET /apis/v2beta1/runs/", 503, times=3),
        Fault("GET /artifacts/", times=2),
        Fault("POST /ml_metadata", 502, times=2),
    ]
    status, _, complaint = sweep()
    assert (status, complaint) == (0, "")
    assert len(kubeflow.runs) == 3
    assert all(fault.times == 0 for fault in kubeflow.faults)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": None}, "classes: say how many classes minio://gansweep/data/phantoms has"),
        ({"data_set": "/images"}, "data_set: /images is on this machine"),
        ({"set": {"table": "/g.csv"}}, "table: /g.csv is on this machine"),
        ({"synthetic_sets": {"d": "/made"}}, "synthetic_sets: d: /made is on this machine"),
        ({"set": {"gan_updates": 0}}, "gan_updates: should be greater than or equal to 1"),
    ],
)
def test_what_can_not_run_there_is_refused_before_anything_is_submitted(kubeflow, sweep, file, change, message):
    content = yaml.safe_load(file.read_text()) | change
    file.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
    status, said, complaint = sweep()
    assert (status, said) == (2, "")
    assert message in complaint.replace("Input should", "should")
    assert kubeflow.requests == []


def test_a_sweep_of_sources_in_the_object_store_needs_no_gans(kubeflow, gansweep, tmp_path):
    sets = {"d": "minio://g/d", "v": {"images": "minio://g/v", "table": "minio://g/v.csv"}}
    described = {"data_set": "minio://g/images", "classes": 2, "sources": ["d", "v"], "ratios": ["50%", "all"]}
    (tmp_path / "s.yaml").write_text(yaml.safe_dump({**described, "synthetic_sets": sets}))
    words = ("sweep", tmp_path / "s.yaml", "--cluster", "--out", tmp_path / "out", "--host", kubeflow.host)
    status, said, _ = gansweep(*words, "--dry-run")
    assert (status, said) == (0, "01: 0 GANs, 5 arms (real, d:50%, d:all, v:50%, v:all)\n")
    kubeflow.story = ["FAILED"]
    assert gansweep(*words)[0] == 1
    assert kubeflow.runs[0]["runtime_config"]["parameters"]["synthetic_sets"] == sets


def test_the_placement_of_an_overlay_goes_over_the_preset_and_under_the_files_own_settings(kubeflow, sweep, file):
    placement = Path(__file__).parents[3] / "manifests" / "overlays" / "kind" / "parameters.yaml"
    file.write_text(file.read_text() + "set: {gan_cpu: '3'}\n")
    assert sweep("--preset", placement)[0] == 0
    given = kubeflow.runs[0]["runtime_config"]["parameters"]
    wanted = yaml.safe_load(placement.read_text()) | {"gan_cpu": "3"}
    assert {name: given[name] for name in wanted} == wanted


def test_a_dry_run_prints_the_runs_and_starts_none(kubeflow, sweep, tmp_path):
    status, said, _ = sweep("--dry-run")
    assert status == 0
    assert "01-classifier_dropout-0.1: 2 GANs, 3 arms (real, gan:10, traditional+gan:50%)\n" in said
    assert said.splitlines()[2].endswith(", after 01-classifier_dropout-0.1")
    assert kubeflow.requests == []
    assert not (tmp_path / "out").exists()


def test_the_test_folds_of_a_sweep_are_as_many_runs_there_and_one_verdict(gansweep, file, finished, tmp_path):
    folds = [tmp_path / f"fold-{number}" for number in (0, 1)]
    for number, folder in enumerate(folds):
        shutil.copytree(finished[0], folder)
        make_fold(folder, number)
    content = {key: value for key, value in yaml.safe_load(file.read_text()).items() if key != "grid"}
    file.write_text(yaml.safe_dump(content | {"test_folds": 2}))
    with FakeKubeflow(lambda parameters: folds[parameters["test_fold"]]) as fake:
        words = ("sweep", file, "--cluster", "--out", tmp_path / "out", "--host", fake.host)
        status, _, complaint = gansweep(*words)
    assert (status, complaint) == (0, "")
    assert sorted(run["runtime_config"]["parameters"]["test_fold"] for run in fake.runs) == [0, 1]
    joined = json.loads((tmp_path / "out" / "sweep.json").read_text())
    assert (joined["test_folds"], len(joined["arms"]), joined["rule"]["comparisons"]) == (2, 3, 2)
    assert "on 48 test images" in joined["answer"]
