"""What several tests need: real image files, small and drawn on the spot."""

import dataclasses
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from object_store import FaultProxy, ObjectStore, new_bucket, object_store
from PIL import Image
from small_run import SMALL, command
from threadpoolctl import threadpool_limits

from components.storage.addresses import open_bucket
from pipelines.phantoms.write import write_phantoms


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Keep linear algebra on one thread, as the stages do: for many small products threads get in each other's way."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def image_folder(tmp_path: Path):
    """Return a function that writes a data set of noise images: {"train/benign": 12, ...} -> its folder."""

    def write(counts: dict[str, int], size: int = 40) -> Path:
        root = tmp_path / "images"
        for folder, count in counts.items():
            (root / folder).mkdir(parents=True, exist_ok=True)
            for i in range(count):
                pixels = np.random.default_rng([len(folder), i, *folder.encode()]).integers(0, 256, (size, size, 3))
                Image.fromarray(pixels.astype(np.uint8)).save(root / folder / f"{i:03}.png")
        return root

    return write


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory):
    """Return a folder of small phantoms; leave it as it is."""
    folder = tmp_path_factory.mktemp("data") / "phantoms"
    write_phantoms(folder, per_class=30, test_per_class=12, size=32)
    return folder


@pytest.fixture(scope="session")
def finished(phantoms, tmp_path_factory):
    """Return the folder of a small run of the whole pipeline, and what it printed."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    words = command("--data", phantoms, "--out", folder, **SMALL)
    done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


@pytest.fixture(scope="session")
def store_server() -> Iterator[ObjectStore]:
    """Run an S3 server for the whole session."""
    with object_store() as store:
        yield store


@pytest.fixture
def fault_proxy(store_server, monkeypatch) -> Iterator[FaultProxy]:
    """Put a proxy before the S3 server, and the way through it into the environment."""
    proxy = FaultProxy(store_server.endpoint)
    for name, value in store_server.environment(proxy.endpoint).items():
        monkeypatch.setenv(name, value)
    yield proxy
    proxy.close()


@pytest.fixture
def bucket(store_server, monkeypatch):
    """Return an empty bucket of the S3 server, reached without the proxy; it is gone after the test."""
    for name, value in store_server.environment().items():
        monkeypatch.setenv(name, value)
    opened = open_bucket("data_set", "minio://unused")
    name = new_bucket(opened.client)
    yield dataclasses.replace(opened, bucket=name, address=f"minio://{name}")
    for item in opened.client.list_objects(name, recursive=True):
        opened.client.remove_object(name, item.object_name)
    opened.client.remove_bucket(name)
