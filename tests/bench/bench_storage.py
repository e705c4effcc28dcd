"""Measures uploads and downloads of a data set: python tests/bench/bench_storage.py [images] [bytes an image]

Defaults: 2000 images of 30 kB. The server is the one of the tests, in a process of its own on this machine, or the
MinIO that GANSWEEP_TEST_MINIO names; `far` puts 20 ms before each answer, as a server in another place would. One
connection is shown against the number that gansweep uses.
"""

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

# gansweep's own packages too: tests/ has folders of their names.
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from object_store import FaultProxy, new_bucket, object_store  # noqa: E402

from components.data_set.data_set import open_data_set  # noqa: E402
from components.storage.addresses import open_bucket  # noqa: E402
from components.storage.objects import CONNECTIONS  # noqa: E402
from pipelines.cluster import upload as module  # noqa: E402
from pipelines.cluster.upload import plan_upload, upload  # noqa: E402

IMAGES = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
BYTES = int(sys.argv[2]) if len(sys.argv) > 2 else 30_000
DELAY = 0.02


class FarProxy(FaultProxy):
    """Answers after a while."""

    def forward(self, *request: object) -> tuple[int, dict, bytes]:
        """Ask the server behind, a little later."""
        time.sleep(DELAY)
        return super().forward(*request)


def serve(ready: multiprocessing.Queue, done: multiprocessing.Event) -> None:
    """Run the server until `done`."""
    with object_store() as store:
        ready.put(store)
        done.wait()


def serve_far(endpoint: str, ready: multiprocessing.Queue, done: multiprocessing.Event) -> None:
    """Run the proxy until `done`."""
    ready.put(FarProxy(endpoint).endpoint)
    done.wait()


def show(name: str, work: Callable[[], object]) -> None:
    """Run `work` and print its rate."""
    start = time.monotonic()
    work()
    seconds = time.monotonic() - start
    print(
        f"{name:34} {seconds:6.1f} s {IMAGES / seconds:7.0f} images/s {IMAGES * BYTES / seconds / 1e6:7.1f} MB/s",
        flush=True,
    )


def measure(folder: Path, place: str, bucket: str) -> None:
    """Upload, upload again and read, over one connection and over many."""
    for connections in (1, CONNECTIONS):
        address = f"minio://{bucket}/{place}-{connections}"
        module.CONNECTIONS = connections
        name = f"{place}, {connections} connections"
        show(f"{name}: upload", lambda address=address: upload(plan_upload(folder, address), lambda *_: None))
        show(f"{name}: again", lambda address=address: upload(plan_upload(folder, address), lambda *_: None))
        data_set = open_data_set(address)
        with ThreadPoolExecutor(connections) as pool:
            show(f"{name}: download", lambda pool=pool, d=data_set: list(pool.map(d.read, d.files)))


def main() -> None:
    """Measure beside the server and far from it."""
    done, ready = multiprocessing.Event(), multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(ready, done))
    server.start()
    store = ready.get()
    proxy = multiprocessing.Process(target=serve_far, args=(store.endpoint, ready, done))
    proxy.start()
    far = ready.get()
    os.environ |= store.environment()
    bucket = new_bucket(open_bucket("bench", "minio://unused").client)
    with tempfile.TemporaryDirectory() as folder:
        rng = np.random.default_rng(0)
        for number in range(IMAGES):
            path = Path(folder) / "ab"[number % 2] / f"{number:06}.jpg"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(rng.bytes(BYTES))
        for place, endpoint in (("near", store.endpoint), ("far", far)):
            os.environ |= store.environment(endpoint)
            measure(Path(folder), place, bucket)
    done.set()


if __name__ == "__main__":
    main()
