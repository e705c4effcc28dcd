"""Runs that fail outside their stages: why, from what the cluster recorded of one, and how they are submitted again."""

import json
from pathlib import Path

import pytest
from fake_kubeflow import Fault, Pod, use_kubeconfig
from submissions import DATA, submitted

from pipelines.cluster import watch
from pipelines.cluster.failure import last_line
from pipelines.cluster.workflow import nodes_of
from pipelines.runs.folder import RESULTS

pytestmark = pytest.mark.usefixtures("quick")
RECORDED = Path(__file__).parent / "recorded"
WORKFLOW = json.loads((RECORDED / "workflow-driver-failed.json").read_text())
TASKS = json.loads((RECORDED / "tasks-driver-failed.json").read_text())
DRIVER = "gan-augmentation-tjxsn-system-container-driver-1766922241"
LOG = """\
I1125 04:19:07.100000       1 main.go:70] Setting log level to: '1'
F1125 04:21:41.200000       1 main.go:89] KFP driver: driver.Container failed: rpc error: code = Unavailable
time=2026-11-25T04:21:41.3Z level=INFO msg="sub-process exited" argo=true error="exit status 1"
Error: exit status 1
"""
LAST = "its last line: KFP driver: driver.Container failed: rpc error: code = Unavailable"


def fail_once(kubeflow) -> None:
    """Let the first run fail in the driver of prepare, as a run did, and those after it succeed."""
    kubeflow.tasks = {"FAILED": TASKS}
    kubeflow.pods = [Pod(DRIVER, "", LOG, "Failed")]
    kubeflow.stories = [["RUNNING", "FAILED"]]


def test_a_driver_that_failed_is_named_with_its_last_line_and_the_run_is_submitted_again(kubeflow, gansweep, tmp_path):
    fail_once(kubeflow)
    out = tmp_path / "out"
    status, _, complaint = gansweep("submit", *DATA, "--wait", "--out", out, "--host", kubeflow.host)
    assert status == 0
    assert {path.name for path in out.iterdir()} == set(RESULTS)
    first, second = kubeflow.runs
    assert second["display_name"] == f"{first['display_name']}, try 2"
    for part in ("experiment_id", "pipeline_version_reference", "runtime_config"):
        assert second[part] == first[part]
    assert (
        f"the run failed outside its stages: the driver of prepare: its task ended as FAILED; pod {DRIVER}" in complaint
    )
    assert f"{LAST}; submitted again, 1 of 3: {kubeflow.host}/#/runs/details/{second['run_id']}\n" in complaint


def test_argos_own_words_are_told_where_the_kubeconfig_leads_to_them(kubeflow, gansweep, tmp_path, monkeypatch):
    use_kubeconfig(monkeypatch, kubeflow.kubeconfig(tmp_path))
    fail_once(kubeflow)
    kubeflow.pods[0].stage = "prepare"
    run_id = submitted(kubeflow, gansweep)
    kubeflow.workflows[run_id] = WORKFLOW
    status, _, complaint = gansweep("wait", run_id, "--no-retry", "--host", kubeflow.host)
    assert status == 1
    assert "outside its stages: the driver of prepare: main: Error (exit code 1); " in complaint
    assert f"pod {DRIVER}; {LAST}; submit it again: what is done comes from the cache (http" in complaint
    assert complaint.count("\n") == 1
    assert len(kubeflow.runs) == 1


def test_a_run_is_submitted_again_three_times_and_no_more(kubeflow, gansweep):
    kubeflow.story = ["FAILED"]
    status, _, complaint = gansweep("submit", *DATA, "--wait", "--host", kubeflow.host)
    assert status == 1
    names = [run["display_name"] for run in kubeflow.runs]
    assert names[1:] == [f"{names[0]}, try {number}" for number in (2, 3, 4)]
    assert complaint.count("submitted again") == 3
    assert "no reason given; after 4 tries (" in complaint
    # Waiting again follows what is there, and starts nothing.
    assert gansweep("wait", kubeflow.runs[0]["run_id"], "--host", kubeflow.host)[0] == 1
    assert gansweep("wait", kubeflow.runs[3]["run_id"], "--host", kubeflow.host)[0] == 1
    assert len(kubeflow.runs) == 4


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ("gansweep failed prepare - InputError: data_set: nothing there", False),
        ("gansweep failed prepare - OutageError: data_set: no answer from http://minio for 300 s", True),
        ("gansweep failed train_gan benign/0 RuntimeError: losses are no longer finite", False),
        ("gansweep started train_gan benign/0\ngansweep finished train_gan benign/0 3.0 s", True),
    ],
)
def test_what_a_stage_failed_of_by_itself_is_not_tried_again(kubeflow, gansweep, tmp_path, said, again):
    kubeflow.stories = [["FAILED"]]
    stage = said.split()[2]
    kubeflow.pods = [
        Pod("p-1", stage, f"{said}\nF1125 04:21:41.2 1 main.go:59] failed to execute component\n", "Failed")
    ]
    status, _, complaint = gansweep("submit", *DATA, "--wait", "--out", tmp_path / "out", "--host", kubeflow.host)
    assert (status, len(kubeflow.runs)) == ((0, 2) if again else (1, 1))
    assert ("submitted again" in complaint) == again
    assert "OutageError" not in complaint


def test_a_cell_that_finished_and_could_not_record_its_outputs_is_in_the_reason(
    kubeflow, gansweep, tmp_path, monkeypatch
):
    use_kubeconfig(monkeypatch, kubeflow.kubeconfig(tmp_path))
    kubeflow.story = ["FAILED"]
    ended = {"terminated": {"exitCode": 1, "reason": "Error"}}
    container = {"name": "main", "image": "i", "imageID": "", "ready": False, "restartCount": 0, "state": ended}
    log = "".join(
        f"2026-01-01T00:00:0{second}Z {line}\n"
        for second, line in enumerate(
            ["gansweep started train_gan benign/0", "gansweep finished train_gan benign/0 3 s"]
        )
    )
    kubeflow.pods = [Pod("p-1", "train_gan", log, "Failed", {"containerStatuses": [container]})]
    complaint = gansweep("wait", submitted(kubeflow, gansweep), "--no-retry", "--host", kubeflow.host)[2]
    assert "outside its stages: train_gan benign/0: its pod ended with status 1 (Error)" in complaint


def test_pods_that_were_taken_away_and_pods_that_can_not_be_made_are_told(kubeflow, tmp_path, monkeypatch):
    use_kubeconfig(monkeypatch, kubeflow.kubeconfig(tmp_path))
    monkeypatch.setattr(watch, "SECONDS_BETWEEN_QUESTIONS", 0)
    logs = watch.PodLogs("kubeflow", "run-1")
    kubeflow.pods = [Pod("p-1", "train_gan", "2026-01-01T00:00:01Z gansweep started train_gan benign/0\n")]
    logs.look()
    kubeflow.pods = [Pod("p-2", "embed", "", "Failed", {"reason": "Evicted", "message": "The node was low on memory"})]
    full = 'pods "x" is forbidden: exceeded quota: ceiling'
    nodes = {"w-1": {"displayName": "train-gan", "type": "Retry", "phase": "Running", "children": ["w-2"]}}
    nodes["w-2"] = {
        "displayName": "executor(0)",
        "type": "Pod",
        "phase": "Pending",
        "message": full,
        "templateName": "t",
    }
    kubeflow.workflows["run-1"] = {"status": {"nodes": nodes}}
    events, notes = logs.look()
    assert [event.text for event in events if event.kind == "warning"] == [
        "train_gan benign/0: its pod p-1 was deleted; Argo starts it again, twice at most",
        "embed: its pod was ended: The node was low on memory; Argo starts it again, twice at most",
    ]
    assert notes == [f"train_gan waits: {full}"]
    assert logs.look() == ([], [])


def test_a_pod_that_the_cluster_refuses_is_not_tried_again(kubeflow, gansweep, tmp_path, monkeypatch):
    use_kubeconfig(monkeypatch, kubeflow.kubeconfig(tmp_path))
    kubeflow.story = ["FAILED"]
    run_id = submitted(kubeflow, gansweep)
    said = "pods is forbidden: ValidatingAdmissionPolicy 'gansweep-run-pods' denied request"
    node = {"displayName": "prepare-driver(0)", "type": "Pod", "phase": "Error", "message": said, "templateName": "t"}
    kubeflow.workflows[run_id] = {"status": {"nodes": {"w-1": node}}}
    complaint = gansweep("wait", run_id, "--host", kubeflow.host)[2]
    assert f"the driver of prepare: {said}; pod w-t-1; pods of runs may be what manifests/kfp/cluster/adm" in complaint
    assert len(kubeflow.runs) == 1


def test_a_try_that_a_later_one_made_good_is_no_failure():
    nodes = {
        "w-1": {"displayName": "embed", "type": "Retry", "phase": "Succeeded", "children": ["w-2", "w-3"]},
        "w-2": {"displayName": "embed(0)", "type": "Pod", "phase": "Failed", "message": "pod deleted"},
        "w-3": {"displayName": "embed(1)", "type": "Pod", "phase": "Succeeded"},
    }
    assert nodes_of({"status": {"nodes": nodes}}) == []
    (failed,) = nodes_of(WORKFLOW)
    assert (failed.name, failed.what, failed.message) == (DRIVER, "the driver of prepare", "main: Error (exit code 1)")


def test_the_line_that_says_why_is_found_among_those_of_launcher_and_argo():
    assert last_line((RECORDED / "log-wrong-value.txt").read_text()) == "failed to execute component: exit status 1"
    assert last_line("one\ntwo\nError: exit status 2\n") == "two"
    assert last_line("") == ""


@pytest.mark.parametrize(
    "service", ["GET /apis/v2beta1/runs/", "POST /ml_metadata", "GET /artifacts/", "/k8s/pod/logs"]
)
@pytest.mark.parametrize("status", [0, 500, 503])
def test_waiting_outlives_each_service_being_away(kubeflow, gansweep, tmp_path, service, status):
    fail_once(kubeflow)
    fault = Fault(service, status, times=3)
    kubeflow.faults = [fault]
    done, _, complaint = gansweep("submit", *DATA, "--wait", "--out", tmp_path / "out", "--host", kubeflow.host)
    assert (done, len(kubeflow.runs)) == (0, 2)
    assert complaint.count("\n") == 1


def test_a_run_can_be_submitted_while_the_database_is_away(kubeflow, gansweep):
    words = b'{"message": "Failed to create a run: dial tcp 10.0.0.1:3306: connect: connection refused"}'
    kubeflow.faults = [Fault("POST /apis/v2beta1/runs", 500, times=2, text=words)]
    assert gansweep("submit", *DATA, "--host", kubeflow.host)[0] == 0
    assert len(kubeflow.runs) == 1
