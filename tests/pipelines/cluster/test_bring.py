"""gansweep export of a run in a cluster, against a stand-in for Kubeflow Pipelines."""

import pytest
from submissions import submitted

from pipelines.runs.export import TABLE

pytestmark = pytest.mark.usefixtures("quick")


def test_a_run_in_the_cluster_gives_the_pictures_that_it_gives_on_this_machine(kubeflow, finished, gansweep, tmp_path):
    kubeflow.story = ["RUNNING", "SUCCEEDED"]
    run, wanted = submitted(kubeflow, gansweep), ("--source", "gan", "--count", "5")
    status, _, complaint = gansweep("export", run, "--host", kubeflow.host, "--out", tmp_path / "there", *wanted)
    assert (status, complaint) == (
        2,
        f"gansweep: {run}: has not succeeded (it is RUNNING); wait for it: gansweep wait\n",
    )
    assert not (tmp_path / "there").exists()
    status, said, _ = gansweep("export", run, "--host", kubeflow.host, "--out", tmp_path / "there", *wanted)
    assert (status, said) == (0, f"{tmp_path / 'there'}: 10 images, and what is known of each in images.csv\n")
    assert gansweep("export", finished[0], "--out", tmp_path / "here", *wanted)[0] == 0
    files = sorted(path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*.*"))
    assert len(files) == 11
    for file in files:
        assert (tmp_path / "there" / file).read_bytes() == (tmp_path / "here" / file).read_bytes()
    assert (tmp_path / "there" / TABLE).is_file()
