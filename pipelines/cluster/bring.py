"""Brings the image sets of a finished run from the cluster, laid out as a run on this machine leaves them."""

from pathlib import Path

from components.contracts.errors import InputError
from pipelines.cluster.kubeflow import Cluster
from pipelines.cluster.records import only, outputs
from pipelines.cluster.submit import fetch
from pipelines.runs.folder import folder_name

FILES = ("imageset.json", "rows.csv", "images.npy")
SETS = (("synthesize", "synthetic_set"), ("prepare", "development_set"), ("prepare", "test_set"))


def bring_sets(cluster: Cluster, run_id: str, folder: Path) -> None:
    """Bring a run's verdict and image sets to `folder`; raises InputError if it hasn't succeeded, ClusterError."""
    run = cluster.run(run_id)
    if run.get("state") != "SUCCEEDED":
        raise InputError(
            f"{run_id}: has not succeeded (it is {run.get('state', 'unknown')}); wait for it: gansweep wait"
        )
    left = outputs(cluster, run)
    for stage, name in SETS:
        address = only(left, stage, name)
        for file in FILES:
            fetch(cluster, f"{address}/{file}", folder / "artifacts" / folder_name(run_id) / stage / name / file)
    fetch(cluster, only(left, "compare", "verdict"), folder / "verdict.json")
