"""Each of the services is away while GANs are trained: the verdict comes all the same, the same to the bit.

E2E_OUTAGE_SECONDS says for how long, 60 if it is not set. These tests come after the run that they compare with.
"""

import json
import os
import time

import pytest
from on_cluster import NAMESPACE, SETTINGS, kubectl, objects, submit

SECONDS = int(os.environ.get("E2E_OUTAGE_SECONDS") or 60)
SERVICES = (
    "statefulset/minio",
    "deployment/mysql",
    "deployment/metadata-grpc-deployment",
    "deployment/ml-pipeline",
    "deployment/workflow-controller",
)


def away(service: str) -> None:
    """Take a service away for a while."""
    kubectl("scale", service, "--namespace", NAMESPACE, "--replicas=0")
    try:
        time.sleep(SECONDS)
    finally:
        kubectl("scale", service, "--namespace", NAMESPACE, "--replicas=1")
    kubectl("rollout", "status", service, "--namespace", NAMESPACE, "--timeout=100s")


@pytest.mark.parametrize("number", range(len(SERVICES)), ids=SERVICES)
def test_the_verdict_comes_though_a_service_is_away_during_the_training(number, run, data, store, tmp_path):
    for item in store[1].list_objects("gansweep", prefix="checkpoints/", recursive=True):
        store[1].remove_object("gansweep", item.object_name)
    gone: list[str] = []

    def watch(run_id: str) -> None:
        pods = objects("pods", "--selector", f"gansweep/stage=train-gan,pipeline/runid={run_id}")
        if not gone and any(pod["status"]["phase"] == "Running" for pod in pods):
            gone.append(run_id)
            away(SERVICES[number])

    # Another interval of checkpoints changes no result, but the GANs are none of the cache's.
    submit(data, tmp_path / "run", watch, gan_checkpoint_updates=SETTINGS["gan_checkpoint_updates"] + 1 + number)
    assert gone, "no GAN was seen in training"
    there, before = (json.loads((folder / "verdict.json").read_text()) for folder in (tmp_path / "run", run.folder))
    assert there["arms"] == before["arms"]
