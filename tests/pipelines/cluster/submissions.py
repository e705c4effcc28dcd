"""What tests of the cluster share: a data set as the cluster knows it, and a run that was submitted."""

DATA = ("--data", "minio://gansweep/data/phantoms", "--preset", "demo")


def submitted(kubeflow, gansweep) -> str:
    assert gansweep("submit", *DATA, "--host", kubeflow.host)[0] == 0
    return kubeflow.runs[-1]["run_id"]
