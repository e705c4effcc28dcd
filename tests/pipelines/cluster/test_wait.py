"""gansweep wait, and submit --wait: what is shown of a run, its results, and why it failed."""

import os
import signal
import threading

import pytest
from fake_kubeflow import FakeKubeflow, Fault, Pod, use_kubeconfig, wait_until
from submissions import DATA, submitted

from pipelines.cluster import kubeflow as cluster
from pipelines.cluster import watch
from pipelines.runs.folder import RESULTS

pytestmark = [pytest.mark.usefixtures("quick"), pytest.mark.filterwarnings("ignore:This client only works")]
TASK = {"task_id": "t1", "start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:00:07Z"}


def test_wait_shows_what_the_pods_say_and_fetches_the_results(kubeflow, finished, gansweep, tmp_path, monkeypatch):
    use_kubeconfig(monkeypatch, kubeflow.kubeconfig(tmp_path))
    kubeflow.pods = [Pod("p-1", "plan", phase="Succeeded"), Pod("p-2", "train_gan", phase="Succeeded")]
    kubeflow.pods[0].log = lines("gansweep started plan -", "gansweep finished plan - 0.4 s")
    kubeflow.pods[1].log = lines("I1123 launcher.go: gansweep started train_gan benign/0", "not for people")
    status, said, complaint = gansweep("submit", *DATA, "--wait", "--out", tmp_path / "out", "--host", kubeflow.host)
    assert (status, complaint) == (0, "")
    assert "plan: started\nplan: finished in 0 s\ntrain_gan benign/0: started\n" in said
    assert "not for people" not in said
    assert "gan:10" in said
    assert said.rstrip().endswith(f"Report: {tmp_path / 'out' / 'report.html'}")
    for name in RESULTS:
        assert (tmp_path / "out" / name).read_bytes() == (finished[0] / name).read_bytes()


def test_without_a_way_to_the_pods_the_states_of_the_tasks_are_shown(kubeflow, gansweep, tmp_path):
    other = {**TASK, "display_name": "root-driver", "state": "SUCCEEDED"}
    gans = [{**TASK, "task_id": f"g{i}", "display_name": "train-gan", "state": "SUCCEEDED"} for i in range(2)]
    kubeflow.tasks = {"RUNNING": [{**TASK, "display_name": "plan", "state": "RUNNING"}, other]}
    kubeflow.tasks["SUCCEEDED"] = [{**TASK, "display_name": "plan", "state": "SUCCEEDED"}, other, *gans]
    status, said, _ = gansweep("submit", *DATA, "--wait", "--out", tmp_path / "out", "--host", kubeflow.host)
    assert status == 0
    assert "plan: started\nplan: finished in 7 s\n" in said
    assert "train_gan #1: finished in 7 s\ntrain_gan #2: started\n" in said
    assert "driver" not in said


def test_a_log_is_read_on_where_it_was_left_though_looks_overlap(kubeflow, tmp_path, monkeypatch):
    use_kubeconfig(monkeypatch, kubeflow.kubeconfig(tmp_path))
    pod = Pod("p-1", "plan")
    kubeflow.pods = [pod]
    logs = watch.PodLogs("kubeflow", "run-1")
    # Zeros at the end of a fraction are left out: .12 is earlier than .123, and both than .2.
    pod.log = "2026-01-01T00:00:01.12Z gansweep started plan -\n"
    assert [event.kind for event in logs.look()[0]] == ["started"]
    pod.log += "2026-01-01T00:00:01.123Z gansweep progress plan - 1/2 images\n"
    assert [event.done for event in logs.look()[0]] == [1]
    assert logs.look() == ([], [])
    pod.log += "2026-01-01T00:00:01.2Z gansweep finished plan - 2.0 s\n"
    pod.phase = "Succeeded"
    assert [event.kind for event in logs.look()[0]] == ["finished"]
    assert logs.look() == ([], [])


def test_what_keeps_a_pod_from_starting_is_said_once(kubeflow, gansweep, tmp_path, monkeypatch):
    use_kubeconfig(monkeypatch, kubeflow.kubeconfig(tmp_path))
    scheduled = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes: insufficient nvidia.com/gpu"}
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    container = {"name": "main", "image": "i", "imageID": "", "ready": False, "restartCount": 0, "state": waiting}
    kubeflow.pods = [
        Pod("p-1", "train_gan", phase="Pending", status={"conditions": [scheduled]}),
        Pod("p-2", "plan", phase="Pending", status={"containerStatuses": [container]}),
    ]
    kubeflow.story = ["PENDING"] * 3 + ["SUCCEEDED"]
    _, _, complaint = gansweep("submit", *DATA, "--wait", "--out", tmp_path / "out", "--host", kubeflow.host)
    assert complaint.splitlines() == [
        "train_gan waits: 0/3 nodes: insufficient nvidia.com/gpu",
        "plan waits: ImagePullBackOff: no such image",
    ]


def test_a_failed_run_ends_in_the_error_of_its_stage(kubeflow, gansweep, tmp_path, monkeypatch):
    use_kubeconfig(monkeypatch, kubeflow.kubeconfig(tmp_path))
    kubeflow.story = ["RUNNING", "FAILED"]
    first, second = Pod("p-1", "train_gan", phase="Failed"), Pod("p-2", "prepare", phase="Failed")
    # A try that failed and was made good by the next is not what the run failed of.
    first.log = lines("gansweep failed train_gan benign/0 RuntimeError: evicted", "gansweep started train_gan benign/0")
    first.log += lines("gansweep finished train_gan benign/0 3 s", start=10)
    second.log = lines("gansweep failed prepare - InputError: data_set: nothing there")
    kubeflow.pods = [first, second]
    out = tmp_path / "out"
    status, said, complaint = gansweep("submit", *DATA, "--wait", "--out", out, "--host", kubeflow.host)
    assert status == 1
    assert "gansweep: prepare failed: data_set: nothing there (http://" in complaint
    assert complaint.count("\n") == 1
    assert not (out / "verdict.json").exists()


def test_the_error_of_a_stage_comes_from_its_log_in_the_user_interface_where_pods_are_out_of_reach(kubeflow, gansweep):
    kubeflow.story = ["FAILED"]
    failed = {**TASK, "display_name": "prepare", "state": "FAILED", "child_tasks": [{"pod_name": "p-1"}]}
    kubeflow.tasks = {"FAILED": [failed]}
    said = "gansweep failed prepare - InputError: data_set: nothing there\n"
    kubeflow.pods = [Pod("p-1", "prepare", said, "Failed")]
    run_id = submitted(kubeflow, gansweep)
    assert "prepare failed: data_set: nothing there" in gansweep("wait", run_id, "--host", kubeflow.host)[2]
    kubeflow.pods = []
    complaint = gansweep("wait", run_id, "--no-retry", "--host", kubeflow.host)[2]
    assert "the run failed outside its stages: prepare: its task ended as FAILED" in complaint


def test_a_stage_that_was_killed_is_named_with_the_reason_kubernetes_gives(kubeflow, gansweep, tmp_path, monkeypatch):
    use_kubeconfig(monkeypatch, kubeflow.kubeconfig(tmp_path))
    kubeflow.story = ["RUNNING", "FAILED"]
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    container = {"name": "main", "image": "i", "imageID": "", "ready": False, "restartCount": 0, "state": ended}
    pod = Pod("p-1", "train_gan", lines("gansweep started train_gan benign/0"), "Failed")
    pod.status = {"containerStatuses": [container]}
    kubeflow.pods = [pod]
    complaint = gansweep("wait", submitted(kubeflow, gansweep), "--host", kubeflow.host)[2]
    assert "train_gan benign/0 failed: out of memory; set gan_memory higher" in complaint


@pytest.mark.parametrize("status", [0, 503])
def test_waiting_outlives_cut_connections_and_servers_that_are_away(kubeflow, gansweep, tmp_path, status):
    run_id = submitted(kubeflow, gansweep)
    kubeflow.faults = [
        Fault("GET /apis/v2beta1/runs/", status, times=2),
        Fault("POST /ml_metadata", status),
        Fault("GET /artifacts/", status),
    ]
    ended, _, complaint = gansweep("wait", run_id, "--out", tmp_path / "out", "--host", kubeflow.host)
    assert (ended, complaint) == (0, "")
    assert all(fault.times == 0 for fault in kubeflow.faults)
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(RESULTS)


def test_patience_has_an_end(kubeflow, gansweep, monkeypatch):
    monkeypatch.setattr(cluster, "SECONDS_OF_PATIENCE", 0.6)
    run_id = submitted(kubeflow, gansweep)
    kubeflow.faults = [Fault("GET /apis/v2beta1/runs/", 503, times=1000)]
    status, _, complaint = gansweep("wait", run_id, "--host", kubeflow.host)
    assert status == 1
    assert "did not answer for 1 s (status 503" in complaint
    assert complaint.count("\n") == 1


def test_a_missing_artifact_is_named(kubeflow, gansweep, monkeypatch, tmp_path):
    run_id = submitted(kubeflow, gansweep)
    words = ("wait", run_id, "--out", tmp_path / "out", "--host", kubeflow.host)
    there = kubeflow.outputs(run_id)
    monkeypatch.setattr(
        kubeflow, "outputs", lambda _: [(s, n, p / "gone" if n == "ledger" else p) for s, n, p in there]
    )
    status, _, complaint = gansweep(*words)
    assert status == 1
    assert "/ledger: status 500 (Failed to get object in bucket mlpipeline: S3Error: The spec" in complaint
    assert not (tmp_path / "out" / "verdict.json").exists()
    monkeypatch.setattr(kubeflow, "outputs", lambda _: [one for one in there if one[1] != "ledger"])
    status, _, complaint = gansweep(*words)
    assert status == 1
    assert "the output 'ledger' of compare is in no record of the run" in complaint


def test_an_artifact_that_comes_without_its_end_is_asked_for_again(kubeflow, finished, gansweep, tmp_path, monkeypatch):
    whole = FakeKubeflow._artifact
    cut = iter([True])

    def half_once(self, key):
        status, content = whole(self, key)
        return status, content[: len(content) // 2] if key.endswith("/verdict") and next(cut, False) else content

    monkeypatch.setattr(FakeKubeflow, "_artifact", half_once)
    gansweep("wait", submitted(kubeflow, gansweep), "--out", tmp_path / "out", "--host", kubeflow.host)
    assert next(cut, None) is None
    assert (tmp_path / "out" / "verdict.json").read_bytes() == (finished[0] / "verdict.json").read_bytes()


def test_an_unknown_run_is_told(kubeflow, gansweep):
    status, _, complaint = gansweep("wait", "none", "--host", kubeflow.host)
    assert status == 1
    assert "status 404 (Run none not found)" in complaint


def test_ctrl_c_leaves_the_run_going_and_says_how_to_wait_again(kubeflow, gansweep, tmp_path):
    kubeflow.story = ["RUNNING"]

    def interrupt() -> None:
        wait_until(lambda: sum("GET /apis/v2beta1/runs/" in said for said in kubeflow.requests) > 2)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    status, _, complaint = gansweep("submit", *DATA, "--wait", "--host", kubeflow.host, "--out", tmp_path / "out")
    assert status == 130
    (run,) = kubeflow.runs
    assert "the run goes on in the cluster" in complaint
    assert f"gansweep wait {run['run_id']}" in complaint
    assert complaint.count("\n") == 1
    assert not any("terminate" in said or "DELETE" in said for said in kubeflow.requests)


def lines(*said: str, start: int = 1) -> str:
    """Return lines of a log with their times, as Kubernetes gives them."""
    return "".join(f"2026-01-01T00:00:{start + number:02}.5Z {line}\n" for number, line in enumerate(said))
