"""Measures `prepare` on a large data set with planted duplicates: time of each part and peak memory.

    python tests/bench/bench_duplicates.py [images] [image_size] [threads]

Defaults: 30000 images at 32 x 32 on 2 threads. The images are JPEGs of 224 x 224, smooth skin-like fields with noise;
5% of them are flipped or turned copies of another at another quality, and 1% are copied byte for byte. Beside it a loop
over the files with Pillow, which decodes, converts and scales each, and looks for nothing.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from components.data_set.data_set import open_data_set
from components.prepare import prepare as stage

COUNT, SIZE, THREADS = (int(given) for given in (sys.argv[1:] + ["30000", "32", "2"][len(sys.argv) - 1 :])[:3])
SIDE = 224
NEAR_EVERY, EXACT_EVERY = 20, 100


def draw(root: Path, number: int) -> None:
    """Write image `number`: its own picture, or a copy of the one before it."""
    folder = root / ("benign", "malignant")[number // 2 % 2]
    exact, near = number % EXACT_EVERY == 1, number % NEAR_EVERY == 3
    rng = np.random.default_rng([number - (exact or near)])
    coarse = Image.fromarray(rng.integers(0, 256, (7, 7, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC)).astype(np.float32)
    noise = rng.normal(0, 8, (SIDE, SIDE, 1)).astype(np.float32)
    image = Image.fromarray(np.clip([205, 150, 130] + 0.35 * (smooth - 128) + noise, 0, 255).astype(np.uint8))
    if near:
        image = image.transpose(Image.Transpose(number // NEAR_EVERY % 7))
    image.save(folder / f"{number:06}.jpg", quality=70 if near else 90)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long the block took, on the clock and of the processors, and the peak memory so far."""
    start, work = time.monotonic(), time.process_time()
    yield
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    seconds, work = time.monotonic() - start, time.process_time() - work
    print(f"{what}: {seconds:.1f} s ({work:.1f} s of CPU), peak memory so far {memory:.2f} GiB", flush=True)


def timed_function(module: object, name: str) -> None:
    """Print the time of every call of a function of `module`."""
    function = getattr(module, name)

    def call(*arguments: object, **named: object) -> object:
        with timed(f"  {name}"):
            return function(*arguments, **named)

    setattr(module, name, call)


def pillow_loop(root: Path) -> np.ndarray:
    """Return all images (uint8, N x S x S x 3), read one after the other as many scripts do."""
    pixels = []
    for path in sorted(root.rglob("*.jpg")):
        with Image.open(path) as image:
            pixels.append(np.asarray(image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)))
    return np.stack(pixels)


def main() -> None:
    """Draw the data set, then time the stage and its parts."""
    for name in ("read_images", "near_duplicates", "draw_test_set", "validation_folds", "write_imageset"):
        timed_function(stage, name)
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "data", Path(folder) / "out"
        for name in ("benign", "malignant"):
            (root / name).mkdir(parents=True)
        with timed(f"drawing {COUNT} images"), ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda number: draw(root, number), range(COUNT)))
        settings = stage.PrepareSettings(positive_class="malignant", image_size=SIZE, threads=THREADS)
        with timed("prepare"):
            names = ("development_set", "test_set", "data_report", "page.html", "external_set")
            stage.prepare(open_data_set(str(root)), settings, *(out / name for name in names))
        with timed("a loop with Pillow, which looks for nothing"):
            pillow_loop(root)
        report = json.loads((out / "data_report" / "data_report.json").read_text())
    planted = sum(number % NEAR_EVERY == 3 for number in range(COUNT))
    print(f"near-duplicates: {report['near_duplicate_count']} found, {planted} planted")
    planted = sum(number % EXACT_EVERY == 1 for number in range(COUNT))
    print(f"exact duplicates: {report['exact_duplicate_count']} found, {planted} planted")


if __name__ == "__main__":
    main()
