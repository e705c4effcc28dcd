"""What a run left: told by Kubeflow's API, else by its metadata store, else by the bucket, in the same words."""

from pathlib import Path

import pytest
import yaml
from fake_kubeflow import Pod
from submissions import DATA, submitted

from components.storage.bucket import Bucket
from components.storage.objects import VARIABLES, StoredObject
from pipelines.cluster import records
from pipelines.cluster.kubeflow import Cluster, ClusterError
from pipelines.cluster.records import Output, failed_nodes, failed_pods, only, outputs, stage_tasks
from pipelines.runs.folder import RESULTS

pytestmark = pytest.mark.usefixtures("quick")
MANIFESTS = Path(__file__).parents[3] / "manifests"


def left(kubeflow, gansweep) -> list[Output]:
    run_id = submitted(kubeflow, gansweep)
    cluster = Cluster(kubeflow.host, "kubeflow")
    return outputs(cluster, cluster.run(run_id))


def test_the_api_of_version_3_and_the_metadata_store_of_version_2_tell_the_same(kubeflow, gansweep):
    by_metadata = left(kubeflow, gansweep)
    kubeflow.version = 3
    kubeflow.requests.clear()
    by_api = left(kubeflow, gansweep)
    (second, first) = (run["run_id"] for run in reversed(kubeflow.runs))
    assert [(one.stage, one.name, one.uri.replace(second, first)) for one in by_api] == [
        (one.stage, one.name, one.uri) for one in by_metadata
    ]
    assert {one.stage for one in by_api} >= {"train_gan", "evaluate", "compare"}
    assert not any("ml_metadata" in said for said in kubeflow.requests)


def test_the_results_of_a_run_are_fetched_from_version_3_too(kubeflow, finished, gansweep, tmp_path):
    kubeflow.version = 3
    out = tmp_path / "out"
    status, said, complaint = gansweep("submit", *DATA, "--wait", "--out", out, "--host", kubeflow.host)
    assert (status, complaint) == (0, "")
    assert "compare: finished" in said
    assert all((out / name).read_bytes() == (finished[0] / name).read_bytes() for name in RESULTS)


def test_where_neither_knows_the_run_the_bucket_is_listed(kubeflow, gansweep, bucket, tmp_path, monkeypatch):
    kubeflow.version, kubeflow.results = 3, None
    monkeypatch.setattr(records, "ROOT", bucket.address)
    run_id = submitted(kubeflow, gansweep)
    (tmp_path / "file").write_text("x")
    for key in ("train-gan/a/generator/gan.json", "train-gan/a/generator/x.npy", "train-gan/b/generator/gan.json"):
        bucket.write(f"{run_id}/{key}", tmp_path / "file")
    for key in ("compare/c/verdict", "compare/c/executor-logs-0", "compare/c/output_metadata.json"):
        bucket.write(f"{run_id}/{key}", tmp_path / "file")
    bucket.write("another-run/compare/d/verdict", tmp_path / "file")
    cluster, place = Cluster(kubeflow.host, "kubeflow"), f"{bucket.address}/{run_id}"
    assert sorted(outputs(cluster, cluster.run(run_id)), key=lambda output: output.uri) == [
        Output("compare", "verdict", f"{place}/compare/c/verdict"),
        Output("train_gan", "generator", f"{place}/train-gan/a/generator"),
        Output("train_gan", "generator", f"{place}/train-gan/b/generator"),
    ]


def test_of_two_tries_in_the_bucket_the_newer_counts(kubeflow, gansweep, bucket, monkeypatch):
    kubeflow.version, kubeflow.results = 3, None
    keys = [
        StoredObject("compare/a/verdict", 1, "", written=2.0),
        StoredObject("compare/b/verdict", 1, "", written=1.0),
    ]
    monkeypatch.setattr(Bucket, "objects", lambda self, first_contact: keys)
    assert only(left(kubeflow, gansweep), "compare", "verdict").endswith("/compare/a/verdict")


def test_a_run_of_which_nothing_is_known_is_told_in_one_line(kubeflow, gansweep, monkeypatch):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    kubeflow.results = None
    with pytest.raises(ClusterError, match="^the output 'verdict' of compare is in no record of the run"):
        only(left(kubeflow, gansweep), "compare", "verdict")


def test_tasks_are_read_alike_in_both_versions():
    start, end = "2026-01-01T00:00:00Z", "2026-01-01T00:00:07Z"
    second = {"task_id": "t1", "display_name": "train-gan", "state": "FAILED", "start_time": start, "end_time": end}
    second |= {"child_tasks": [{"pod_name": "w-1"}], "error": {"message": "no"}}
    driver = {"task_id": "t2", "display_name": "train-gan-driver", "state": "SUCCEEDED"}
    third = {"task_id": "t1", "name": "train-gan", "state": "FAILED", "create_time": start, "end_time": end}
    third |= {"pods": [{"name": "p-1", "type": "EXECUTOR"}], "status_metadata": {"message": "no"}}
    runs = [{"run_details": {"task_details": [driver, second]}}, {"tasks": [{**driver, "display_name": "x"}, third]}]
    for run in runs:
        assert stage_tasks(run) == [records.Task("t1", "train_gan", "FAILED", 7.0, "no")]
    assert failed_nodes(runs[0]) == [("train-gan", "w-1")]


def test_the_pods_of_failed_stages_are_named_by_the_metadata_store_or_by_version_3(kubeflow, gansweep):
    kubeflow.pods = [Pod("p-1", "embed", phase="Failed"), Pod("p-2", "audit")]
    run = {"run_id": submitted(kubeflow, gansweep)}
    cluster = Cluster(kubeflow.host, "kubeflow")
    assert failed_pods(cluster, run) == ["p-1"]
    task = {"name": "embed", "state": "FAILED", "pods": [{"name": "p-3", "type": "EXECUTOR"}]}
    assert failed_pods(cluster, run | {"tasks": [task]}) == ["p-3"]


def test_the_bucket_is_the_one_that_the_deployment_writes_to():
    maps = yaml.safe_load_all((MANIFESTS / "kfp" / "object-store.yaml").read_text())
    (root,) = (one["data"]["defaultPipelineRoot"] for one in maps if one["metadata"]["name"] == "kfp-launcher")
    assert f"{root}/gan-augmentation" == records.ROOT
