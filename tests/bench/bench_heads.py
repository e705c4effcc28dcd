"""Measures the classifier `pretrained` on drawn features of the size of the ISIC set: ten arms, heads by the hundred.

    python tests/bench/bench_heads.py [replicates] [images] [threads] [arms]

Defaults: 100 replicates, 2637 images, 1 thread, all ten arms. Two arms run at a time, as in a run on 2 cores.
"""

import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from components.contracts.arms import parse_arm
from components.contracts.features import VIEWS, Features, FeatureSet
from components.contracts.imageset import ImageSet
from components.train_classifier.train_heads import train_heads

DEFAULTS = ["100", "2637", "1", "10"]
REPLICATES, COUNT, THREADS, MOST = (int(given) for given in sys.argv[1:] + DEFAULTS[len(sys.argv) - 1 :])
ARMS = ("real", "traditional", *(f"gan:{n}%" for n in (10, 25, 50, 75, 100)), "only-gan:200", "only-gan:500", "gan:200")
SIZE, RANK = 3936, 300


def drawn_set(split: str) -> ImageSet:
    """Return a set of two classes without pixels worth the name."""
    rows = np.arange(COUNT)
    return ImageSet(
        name="drawn",
        notice="",
        classes=("benign", "malignant"),
        positive_class="malignant",
        images=np.zeros((COUNT, 1, 1, 3), np.uint8),
        paths=rows.astype(str),
        labels=rows % 2,
        splits=np.full(COUNT, split),
        folds=rows // 2 % 5,
        groups=np.full(COUNT, "gan-0") if split == "synthetic" else rows.astype(str),
        sha256=rows.astype(str),
    )


class Drawn(Features):
    """Correlated features whose first direction tells the classes apart a little."""

    def open(self, name: str, imageset: ImageSet) -> FeatureSet:
        """Return the features of a set."""
        rng = np.random.default_rng(len(name))
        inner = rng.normal(size=(COUNT, RANK)).astype(np.float32)
        inner[:, 0] += imageset.labels
        values = inner @ np.random.default_rng(0).normal(size=(RANK, SIZE)).astype(np.float32) / np.sqrt(RANK)
        values += rng.normal(0, 0.3, values.shape)
        return FeatureSet(Path(name), np.arange(COUNT), np.repeat(values[:, None].astype(np.float16), VIEWS, 1))


def train(arm: str) -> str:
    """Train one arm; return what it took."""
    features = Drawn(Path(), "drawn", SIZE, 0, "", {})
    start, work = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        given = (drawn_set("development"), drawn_set("synthetic"), features, parse_arm(arm), REPLICATES, 0)
        train_heads(*given, threads=THREADS, models_folder=Path(folder) / "models")
    return f"{arm}: {time.monotonic() - start:.1f} s ({time.process_time() - work:.1f} s of CPU)"


def main() -> None:
    """Train all arms, two at a time."""
    start = time.monotonic()
    with ProcessPoolExecutor(2) as pool:
        for line in pool.map(train, ARMS[:MOST]):
            print(line, flush=True)
    print(f"{REPLICATES} replicates of {len(ARMS[:MOST])} arms: {time.monotonic() - start:.1f} s in all")


if __name__ == "__main__":
    main()
