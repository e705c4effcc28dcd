"""A deployment on the cluster of the current kubeconfig, shared by all tests here: make e2e."""

import shutil
import subprocess
from pathlib import Path

import pytest
from on_cluster import kubectl, make


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker("cluster")


@pytest.fixture(scope="session")
def cluster():
    """Return the name of the current context; skip where no cluster answers."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is missing: https://kubernetes.io/docs/tasks/tools")
    answer = subprocess.run(["kubectl", "get", "--raw", "/version", "--request-timeout=10s"], capture_output=True)
    if answer.returncode:
        pytest.skip("no cluster answers: make kind-up, or point KUBECONFIG at yours")
    return kubectl("config", "current-context").strip()


@pytest.fixture(scope="session")
def deployed(cluster):
    """Deploy; the last test takes it away again."""
    done = make("deploy")
    assert done.returncode == 0, done.stderr
    return cluster
