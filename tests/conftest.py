"""What several tests need: real image files, small and drawn on the spot."""

import dataclasses
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from object_store import FaultProxy, ObjectStore, new_bucket, object_store
from PIL import Image
from small_run import SMALL, command
from threadpoolctl import threadpool_limits

from components.storage.addresses import open_bucket
from pipelines.phantoms.write import write_phantoms


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Tests run in no more than four processes: each may hold a framework and the stages of a run in memory."""
    return min(4, len(os.sched_getaffinity(0)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process is left alone with one of them in the end."""
    if hasattr(config, "workerinput"):
        slow = {name: {item.path for item in items if name in item.fixturenames} for name in ("images", "finished")}
        items.sort(key=lambda item: (item.path not in slow["images"], item.path not in slow["finished"]))


@pytest.fixture(scope="session")
def once(tmp_path_factory, request) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return a function that has a folder filled once, for all the processes of this session."""
    folder = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        folder = folder.parent

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        with FileLock(folder / f"{name}.lock"):
            if not (folder / f"{name}.made").exists():
                fill(folder / name)
                (folder / f"{name}.made").touch()
        return folder / name

    return make


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
def phantoms(once):
    """Return a folder of small phantoms; leave it as it is."""
    return once("phantoms", lambda folder: write_phantoms(folder, per_class=30, test_per_class=12, size=32))


@pytest.fixture(scope="session")
def finished(phantoms, once):
    """Return the folder of a small run of the whole pipeline, and what it printed; leave it as it is."""

    def run(folder: Path) -> None:
        words = command("--data", phantoms, "--out", folder / "run", **SMALL)
        done = subprocess.run(words, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        (folder / "said").write_text(done.stdout)

    folder = once("finished", run)
    return folder / "run", (folder / "said").read_text()


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
