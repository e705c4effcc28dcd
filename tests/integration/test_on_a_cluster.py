"""A run on a real cluster: what it leaves, how its pods are placed, and that its verdict is the local one.

The run is submitted once, for all tests here (conftest.py)."""

import json
import re
import subprocess
import sys

import pytest
from minio.error import S3Error
from on_cluster import NAMESPACE, ROOT, SETTINGS, UPDATES, VICTIM, kubectl, log, make, objects, sets, submit

from pipelines.cluster.kubeflow import connect
from pipelines.cluster.records import outputs

ONCE = {"plan", "prepare", "fetch-classifier", "synthesize", "embed", "audit", "compare"}
STAGES = ONCE | {"train-gan", "train-classifier", "evaluate"}


def test_every_stage_succeeded(run):
    with connect("", NAMESPACE) as kubeflow:
        assert kubeflow.run(run.id)["state"] == "SUCCEEDED"
    mine = objects("pods", "--selector", f"pipeline/runid={run.id}")
    finished = {
        pod["metadata"]["labels"].get("gansweep/stage") for pod in mine if pod["status"]["phase"] == "Succeeded"
    }
    assert finished >= STAGES
    assert all((run.folder / name).stat().st_size for name in ("verdict.json", "report.html", "ledger.csv"))


def test_gan_pods_ran_one_a_class_at_the_same_time_on_the_gpu_node_and_held_a_gpu(run):
    nodes = kubectl("get", "nodes", "--selector", "gansweep/gpu=true", "--output", "jsonpath={.items[*].metadata.name}")
    pods = {name: pod for name, pod in run.pods.items() if name != run.killed}
    assert len(pods) == 2
    for pod in run.pods.values():
        (main,) = [c for c in pod["spec"]["containers"] if c["name"] == "main"]
        assert main["resources"]["limits"]["nvidia.com/gpu"] == "1"
        assert pod["spec"]["nodeName"] in nodes.split()
    started = [pod["status"]["startTime"] for pod in run.pods.values() if pod["metadata"]["name"] != run.killed]
    first = run.pods[run.killed]["status"]["startTime"]
    other = min(started)
    # RFC 3339 in UTC: text compares as time does.
    assert other < _end(run.pods[run.killed])
    assert first < max(_end(pod) for pod in pods.values())


def _end(pod: dict) -> str:
    states = [status["state"] for status in pod["status"].get("containerStatuses", []) if status["name"] == "main"]
    ended = [state["terminated"]["finishedAt"] for state in states if "terminated" in state]
    return ended[0] if ended else pod["metadata"].get("deletionTimestamp", "9999")


def test_a_killed_gan_pod_went_on_from_its_checkpoint(run):
    assert run.killed, "no GAN pod was caught after a checkpoint"
    (again,) = [name for name in run.pods if name != run.killed and f"started train_gan {VICTIM}/0" in log(name)]
    resumed = int(re.search(rf"gansweep progress train_gan {VICTIM}/0 (\d+)/{UPDATES} updates\n", log(again))[1])
    assert resumed >= run.killed_at_update > 0


def test_artifacts_lie_in_minio(run, store):
    with connect("", NAMESPACE) as kubeflow:
        left = outputs(kubeflow, kubeflow.run(run.id))
    assert {output.name for output in left} >= {"development_set", "generator", "models", "evaluation", "verdict"}
    for output in left:
        if output.name in ("metrics", "classification_metrics"):
            continue  # Kubeflow keeps their content with the run; their addresses hold nothing
        assert output.uri.startswith("minio://mlpipeline/v2/artifacts/")
        key = output.uri.removeprefix("minio://mlpipeline/")
        assert list(store[0].list_objects("mlpipeline", prefix=key)), f"{output.uri} is not there"


def test_kubeflow_lists_the_pages_and_numbers_that_its_interface_shows(run):
    """Their types are those of the compiled pipeline: HTML, Markdown, Metrics and ClassificationMetrics."""
    with connect("", NAMESPACE) as kubeflow:
        found = {(output.stage, output.name) for output in outputs(kubeflow, kubeflow.run(run.id))}
    assert found >= {
        ("prepare", "data_report_page"),
        ("train_gan", "curves"),
        ("compare", "metrics"),
        ("evaluate", "classification_metrics"),
        ("compare", "report"),
        ("compare", "summary"),
    }


def test_each_user_of_minio_sees_its_own_bucket_only(deployed, store):
    for client, other in ((store[0], "gansweep"), (store[1], "mlpipeline")):
        with pytest.raises(S3Error, match="AccessDenied"):
            list(client.list_objects(other))


def test_the_verdict_is_that_of_a_local_run(run, phantoms, tmp_path, deployed):
    command = [sys.executable, "-m", "pipelines", "run", "--data", str(phantoms), "--preset", "demo", *sets(**SETTINGS)]
    subprocess.run([*command, "--out", str(tmp_path / "local")], cwd=ROOT, check=True, capture_output=True)
    verdicts = [json.loads((folder / "verdict.json").read_text()) for folder in (run.folder, tmp_path / "local")]
    for verdict in verdicts:
        verdict.pop("parameters")
        for gan in verdict["gans"]:
            gan.pop("images_per_second")
    if deployed.startswith("kind-"):
        assert verdicts[0] == verdicts[1]
        return
    # Processors of another kind round otherwise, and trainings drift apart: the same arms, alike within a tenth.
    for there, here in zip(*(verdict["arms"] for verdict in verdicts), strict=True):
        assert there["arm"] == here["arm"]
        assert there["mean"]["balanced_accuracy"] == pytest.approx(here["mean"]["balanced_accuracy"], abs=0.1)


def test_a_second_submission_is_served_from_the_cache(run, data, tmp_path):
    again = submit(data, tmp_path / "again")
    ran = {
        pod["metadata"]["labels"]["gansweep/stage"]
        for pod in objects("pods", "--selector", f"pipeline/runid={again},gansweep/stage")
    }
    assert ran == {"plan"}
    first, second = (json.loads((folder / "verdict.json").read_text()) for folder in (run.folder, tmp_path / "again"))
    assert first["arms"] == second["arms"]


def test_doors_stand_as_they_should(deployed):
    assert make("audit-cluster").returncode == 0
