"""A deployment on the cluster of the current kubeconfig, shared by all tests here: make e2e."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from minio import Minio
from on_cluster import NAMESPACE, VICTIM, Run, kubectl, log, make, objects, secret, submit


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
    """Deploy; the last file takes it away again."""
    done = make("deploy")
    assert done.returncode == 0, done.stderr
    return cluster


@pytest.fixture(scope="session")
def store(deployed):
    """Return two clients of the MinIO there: with the rights of Kubeflow Pipelines, and with those of the stages."""
    forward = subprocess.Popen(
        ["kubectl", "port-forward", "--namespace", NAMESPACE, "service/minio-service", ":9000"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        port = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())[1]
        artifacts, stages = secret("mlpipeline-minio-artifact"), secret("gansweep-storage")
        yield (
            Minio(f"127.0.0.1:{port}", artifacts["accesskey"], artifacts["secretkey"], secure=False),
            Minio(f"127.0.0.1:{port}", stages["access-key"], stages["secret-key"], secure=False),
        )
    finally:
        forward.terminate()


@pytest.fixture(scope="session")
def data(deployed, phantoms):
    """Bring phantoms to MinIO and return their address."""
    done = make("upload", DATA=str(phantoms), NAME="phantoms-e2e")
    assert done.returncode == 0
    return "minio://gansweep/data/phantoms-e2e"


@pytest.fixture(scope="session")
def run(data, store, tmp_path_factory):
    """Run the demo preset in the cluster; one GAN pod is killed after its first checkpoint."""
    for item in store[1].list_objects("gansweep", prefix="checkpoints/", recursive=True):
        store[1].remove_object("gansweep", item.object_name)  # else the GANs would be there already
    run = Run("", tmp_path_factory.mktemp("cluster") / "run")

    def watch(run_id: str) -> None:
        for pod in objects("pods", "--selector", f"gansweep/stage=train-gan,pipeline/runid={run_id}"):
            run.pods[pod["metadata"]["name"]] = pod
        if run.killed:
            return
        kept = [item.object_name for item in store[1].list_objects("gansweep", prefix="checkpoints/", recursive=True)]
        updates = [int(match[1]) for name in kept if (match := re.search(rf"/{VICTIM}-0-.*-(\d+)\.safetensors$", name))]
        for name, pod in run.pods.items():
            if updates and pod["status"]["phase"] == "Running" and f"started train_gan {VICTIM}/0" in log(name):
                run.killed, run.killed_at_update = name, max(updates)
                # Without grace: a training that may end in it would not have been killed.
                kubectl("delete", "pod", name, "--namespace", NAMESPACE, "--grace-period=0", "--force", "--wait=false")
                return

    run.id = submit(data, run.folder, watch)
    return run
