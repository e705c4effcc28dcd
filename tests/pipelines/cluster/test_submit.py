"""gansweep submit, wait and publish, against a stand-in for Kubeflow Pipelines over a real socket."""

import os
import signal
import subprocess
import sys
import threading

import kfp
import pytest
from fake_kubeflow import FakeKubeflow, Fault, Pod, use_kubeconfig, wait_until

from pipelines.cluster import kubeflow as cluster
from pipelines.cluster import watch
from pipelines.compile import compile_pipeline
from pipelines.runs.folder import RESULTS

pytestmark = [pytest.mark.usefixtures("quick"), pytest.mark.filterwarnings("ignore:This client only works")]
DATA = ("--data", "minio://gansweep/data/phantoms", "--preset", "demo")
TASK = {"task_id": "t1", "start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:00:07Z"}


def test_submit_starts_the_run_that_kubeflows_own_client_would_start(kubeflow, gansweep, tmp_path):
    settings = ("--set", "arms=real,gan:50", "--registry", "r.example/g", "--tag", "abc123")
    status, said, complaint = gansweep("submit", *DATA, *settings, "--host", kubeflow.host)
    assert (status, complaint) == (0, "")
    (run,) = kubeflow.runs
    assert f"{kubeflow.host}/#/runs/details/{run['run_id']}" in said
    assert f"gansweep wait {run['run_id']} --host {kubeflow.host}" in said
    parameters = run["runtime_config"]["parameters"]
    assert (parameters["arms"], parameters["gan_updates"]) == (["real", "gan:50"], 300)

    compile_pipeline(tmp_path / "p.yaml", "r.example/g", "abc123")
    client = kfp.Client(kubeflow.host)
    experiment = client.get_experiment(experiment_name="gansweep").experiment_id
    client.create_run_from_pipeline_package(str(tmp_path / "p.yaml"), parameters, experiment_id=experiment)
    ours, theirs = kubeflow.runs
    assert ours["pipeline_spec"] == theirs["pipeline_spec"]
    assert ours["runtime_config"] == theirs["runtime_config"]
    assert ours["experiment_id"] == theirs["experiment_id"] == experiment


def test_two_runs_share_an_experiment_and_have_names_of_their_own(kubeflow, gansweep):
    for _ in range(2):
        gansweep("submit", *DATA, "--experiment", "doses", "--host", kubeflow.host)
    assert [one["display_name"] for one in kubeflow.experiments] == ["doses"]
    assert len({run["display_name"] for run in kubeflow.runs}) == 2
    assert all(run["display_name"].startswith("demo phantoms ") for run in kubeflow.runs)


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
    kubeflow.pods = [Pod("p-1", "prepare", log="gansweep failed prepare - InputError: data_set: nothing there\n")]
    run_id = submitted(kubeflow, gansweep)
    assert "prepare failed: data_set: nothing there" in gansweep("wait", run_id, "--host", kubeflow.host)[2]
    kubeflow.pods = []
    assert "prepare failed: its task ended as FAILED" in gansweep("wait", run_id, "--host", kubeflow.host)[2]


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


@pytest.mark.parametrize("done", [True, False])
def test_a_run_whose_start_was_cut_off_is_not_started_twice(kubeflow, gansweep, done):
    kubeflow.faults = [Fault("POST /apis/v2beta1/runs", done=done)]
    status, said, _ = gansweep("submit", *DATA, "--host", kubeflow.host)
    assert status == 0
    assert len(kubeflow.runs) == 1
    assert kubeflow.runs[0]["run_id"] in said


def test_patience_has_an_end(kubeflow, gansweep, monkeypatch):
    monkeypatch.setattr(cluster, "SECONDS_OF_PATIENCE", 0.6)
    run_id = submitted(kubeflow, gansweep)
    kubeflow.faults = [Fault("GET /apis/v2beta1/runs/", 503, times=1000)]
    status, _, complaint = gansweep("wait", run_id, "--host", kubeflow.host)
    assert status == 1
    assert "did not answer for 1 s (status 503" in complaint
    assert complaint.count("\n") == 1


def test_what_the_server_refuses_is_told_in_its_words_at_once(kubeflow, gansweep):
    kubeflow.faults = [Fault("POST /apis/v2beta1/runs", 400)]
    status, _, complaint = gansweep("submit", *DATA, "--host", kubeflow.host)
    assert status == 1
    assert complaint == "gansweep: POST /apis/v2beta1/runs: status 400 (upstream is not there)\n"


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
    assert "the output 'ledger' of compare is not in the metadata" in complaint


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


def test_the_pipeline_is_published_once_a_tag(kubeflow, gansweep):
    words = ("publish", "--host", kubeflow.host, "--tag")
    assert gansweep(*words, "abc123")[:2] == (0, "Added version abc123 of pipeline gan-augmentation\n")
    assert gansweep(*words, "abc123")[:2] == (0, "Pipeline gan-augmentation has version abc123 already\n")
    kubeflow.faults = [Fault("POST /apis/v2beta1/pipelines/upload_version", done=True)]
    gansweep(*words, "def456")
    client = kfp.Client(kubeflow.host)
    versions = client.list_pipeline_versions(client.get_pipeline_id("gan-augmentation")).pipeline_versions
    assert sorted(version.display_name for version in versions) == ["abc123", "def456"]
    assert len(kubeflow.pipelines) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "/images"], "data_set: /images is on this machine, where pods can't read it; bring it there: gans"),
        (["--set", "table=/g.csv"], "table: /g.csv is on this machine"),
        (["--set", "inception_weights=/w.safetensors"], "inception_weights: /w.safetensors is on this machine"),
        (["--set", "arms=real,gna:3"], "arms: 'gna:3': there is no source 'gna'"),
        (["--set", "gan_epoch=3"], "did you mean gan_epochs?"),
        (["--set", "arms=real," + ",".join(f"gan:{i}" for i in range(1, 1200))], "all parameters together take 14,"),
        (["--out", "/proc/run"], "--out: /proc/run can't be written"),
        (["--host", "http://127.0.0.1:9"], "--host: Kubeflow Pipelines does not answer at http://127.0.0.1:9"),
    ],
)
def test_what_can_not_run_in_the_cluster_is_refused_in_one_line_before_it_starts(kubeflow, gansweep, words, message):
    status, said, complaint = gansweep("submit", *DATA, "--host", kubeflow.host, *words)
    assert (status, said) == (2, "")
    assert message in complaint
    assert complaint.count("\n") == 1
    assert kubeflow.runs == []


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


@pytest.fixture
def kubectl(monkeypatch, tmp_path):
    """Return a function that puts a script in the place of kubectl."""

    def write(script: str) -> None:
        (tmp_path / "bin").mkdir(exist_ok=True)
        path = tmp_path / "bin" / "kubectl"
        path.write_text(f'#!/bin/sh\necho $$ >> {tmp_path}/pids\necho "$@" >> {tmp_path}/words\n{script}\n')
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    return write


def forward_to(host: str) -> str:
    return f'echo "Forwarding from {host.removeprefix("http://")} -> 3000"; exec sleep 60'


def test_without_a_host_a_port_is_forwarded_and_given_back(kubeflow, gansweep, kubectl, tmp_path):
    kubectl(forward_to(kubeflow.host))
    status, said, _ = gansweep("submit", *DATA, "--namespace", "here")
    assert status == 0
    assert "kubectl --namespace here port-forward service/ml-pipeline-ui 8080:80" in said
    assert "gansweep wait" in said
    assert "--namespace here" in said.splitlines()[-1]
    expected = "--namespace here port-forward --address 127.0.0.1 service/ml-pipeline-ui :80"
    assert (tmp_path / "words").read_text().splitlines() == [expected]
    wait_until(lambda: not alive(tmp_path))


def test_a_forwarded_port_that_breaks_is_opened_again(kubeflow, finished, gansweep, kubectl, tmp_path):
    """The first port leads to a server that goes away while the run is waited for."""
    with FakeKubeflow() as first:
        first.runs = kubeflow.runs
        first.experiments = kubeflow.experiments
        count = f"n=$(wc -l < {tmp_path}/pids)"
        kubectl(f'{count}; if [ "$n" = 1 ]; then {forward_to(first.host)}; else {forward_to(kubeflow.host)}; fi')
        first.story = ["RUNNING"]
        looks = first._look

        def look_and_go(run):
            answer = looks(run)
            first.faults = [Fault("", times=10**6)]
            return answer

        first._look = look_and_go
        status, _, complaint = gansweep("submit", *DATA, "--wait", "--out", tmp_path / "out")
    assert (status, complaint) == (0, "")
    assert len((tmp_path / "words").read_text().splitlines()) == 2
    assert len(kubeflow.runs) == 1
    wait_until(lambda: not alive(tmp_path))


def test_a_killed_command_leaves_no_port_forward(kubectl, tmp_path):
    kubectl(forward_to("http://127.0.0.1:9"))
    code = (
        "from pipelines.cluster.port_forward import PortForward; print(PortForward('here').open(), flush=True); input()"
    )
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "http://127.0.0.1:9\n"
        assert alive(tmp_path)
        process.kill()
    wait_until(lambda: not alive(tmp_path))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            'echo "Error from server (NotFound): services \\"ml-pipeline-ui\\" not found" >&2; exit 1',
            "--namespace: no Kubeflow Pipelines in namespace kubeflow",
        ),
        (
            'echo "The connection to the server localhost:8080 was refused" >&2; exit 1',
            "--host: no cluster answers (The connection to the server localhost:8080 was refused)",
        ),
        (
            'echo "error: unable to forward port because pod is not running. Current status=Pending" >&2; exit 1',
            "--host: Kubeflow Pipelines is not up yet",
        ),
        (
            'echo "Error from server (Forbidden): pods is forbidden: User jane may not" >&2; exit 1',
            "--host: you may not forward ports in namespace kubeflow",
        ),
    ],
)
def test_what_is_missing_on_the_way_to_the_cluster_is_told_in_one_line(gansweep, kubectl, script, message):
    kubectl(script)
    status, _, complaint = gansweep("submit", *DATA)
    assert status == 2
    assert message in complaint
    assert complaint.count("\n") == 1


def test_a_missing_kubectl_is_told(gansweep, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    status, _, complaint = gansweep("submit", *DATA)
    assert status == 2
    assert "kubectl is not installed" in complaint


def lines(*said: str, start: int = 1) -> str:
    """Return lines of a log with their times, as Kubernetes gives them."""
    return "".join(f"2026-01-01T00:00:{start + number:02}.5Z {line}\n" for number, line in enumerate(said))


def submitted(kubeflow, gansweep) -> str:
    assert gansweep("submit", *DATA, "--host", kubeflow.host)[0] == 0
    return kubeflow.runs[-1]["run_id"]


def alive(folder) -> list[int]:
    """Return the stand-ins for kubectl that still run."""
    pids = [int(line) for line in (folder / "pids").read_text().split()] if (folder / "pids").exists() else []
    return [pid for pid in pids if os.path.exists(f"/proc/{pid}")]  # noqa: PTH110
