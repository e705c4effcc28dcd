"""What the tests of submissions and sweeps need: a stand-in for Kubeflow Pipelines, and the command line in here."""

import sys

import pytest
from fake_kubeflow import FakeKubeflow, use_kubeconfig

from pipelines.cli import main as cli
from pipelines.cluster import kubeflow as cluster
from pipelines.cluster import watch
from pipelines.sweep import in_cluster as sweep_cluster


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """Look often, give up soon, and see no cluster but the stand-in."""
    for module in (watch, sweep_cluster):
        monkeypatch.setattr(module, "SECONDS_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr(cluster, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(cluster, "SECONDS_OF_PATIENCE", 60.0)
    monkeypatch.setattr(cluster, "SECONDS_TO_ANSWER_FIRST", 0.6)
    use_kubeconfig(monkeypatch, tmp_path / "none")


@pytest.fixture
def kubeflow(finished):
    """Return a stand-in whose runs all leave what the small run of the whole pipeline left."""
    with FakeKubeflow(lambda parameters: finished[0]) as fake:
        yield fake


@pytest.fixture
def gansweep(monkeypatch, capsys):
    """Return a function that runs a command line here and returns its status, output and complaints."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gansweep", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return end.value.code or 0, said.out, said.err

    return run
