"""gansweep upload without a server named: it finds the cluster's MinIO and the login that people have there."""

import os

import pytest
from fake_kubeflow import FakeKubeflow, use_kubeconfig

from components.data_set.data_set import open_data_set
from components.storage.objects import ACCESS_KEY, ENDPOINT, SECRET_KEY


@pytest.fixture
def cluster(monkeypatch, tmp_path):
    """Return a stand-in that the kubeconfig leads to, and make room for a kubectl; no server is named."""
    with FakeKubeflow() as fake:
        use_kubeconfig(monkeypatch, fake.kubeconfig(tmp_path))
        (tmp_path / "bin").mkdir()
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        monkeypatch.delenv(ENDPOINT, raising=False)
        yield fake


def forward(tmp_path, said: str) -> None:
    kubectl = tmp_path / "bin" / "kubectl"
    kubectl.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/words\necho "{said}"\nexec sleep 60\n')
    kubectl.chmod(0o755)


def test_data_go_to_the_cluster_with_the_login_of_its_secret(
    image_folder, bucket, cluster, gansweep, tmp_path, monkeypatch
):
    folder = image_folder({"a": 3, "b": 2})
    login = {"access-key": os.environ[ACCESS_KEY], "secret-key": os.environ[SECRET_KEY]}
    cluster.secrets["gansweep-upload"] = login
    server = bucket.server.removeprefix("http://")
    forward(tmp_path, f"Forwarding from {server} -> 9000")
    for variable in (ACCESS_KEY, SECRET_KEY):
        monkeypatch.delenv(variable)
    status, said, complaint = gansweep("upload", folder, f"{bucket.address}/moles")
    assert (status, complaint) == (0, "")
    assert "sent 5 files" in said
    assert (tmp_path / "words").read_text() == (
        "--namespace kubeflow port-forward --address 127.0.0.1 service/minio-service :9000\n"
    )
    assert ENDPOINT not in os.environ
    for variable, value in zip((ENDPOINT, ACCESS_KEY, SECRET_KEY), (bucket.server, *login.values()), strict=True):
        monkeypatch.setenv(variable, value)
    assert len(open_data_set(f"{bucket.address}/moles").files) == 5


def test_what_is_missing_on_the_way_is_told_in_one_line(image_folder, cluster, gansweep, tmp_path, monkeypatch):
    words = ("upload", image_folder({"a": 2, "b": 2}), "minio://gansweep/data/x")
    assert gansweep(*words)[2].startswith(
        "gansweep: upload: the Secret gansweep-upload in kubeflow can't be read: make deploy first; or set GANSW"
    )
    cluster.secrets["gansweep-upload"] = {"access-key": "a", "secret-key": "b"}
    forward(tmp_path, "Error from server (NotFound): services minio-service not found")
    (tmp_path / "bin" / "kubectl").write_text("#!/bin/sh\necho 'error: services not found' >&2; exit 1\n")
    assert "no way to minio-service in namespace kubeflow (services not found)" in gansweep(*words)[2]
    cluster.stop()
    assert "the cluster of the current kubeconfig does not answer" in gansweep(*words)[2]
    use_kubeconfig(monkeypatch, tmp_path / "none")
    status, _, complaint = gansweep(*words)
    assert (status, complaint.count("\n")) == (2, 1)
    assert "no kubeconfig names a cluster" in complaint
