"""The way to a cluster through kubectl: a port is forwarded, opened again, given back, and what is missing is told."""

import os
import subprocess
import sys

import pytest
from fake_kubeflow import FakeKubeflow, Fault, wait_until
from submissions import DATA

pytestmark = [pytest.mark.usefixtures("quick"), pytest.mark.filterwarnings("ignore:This client only works")]


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


def alive(folder) -> list[int]:
    """Return the stand-ins for kubectl that still run."""
    pids = [int(line) for line in (folder / "pids").read_text().split()] if (folder / "pids").exists() else []
    return [pid for pid in pids if os.path.exists(f"/proc/{pid}")]  # noqa: PTH110
