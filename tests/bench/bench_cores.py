"""Measures what idle processors bring: python tests/bench/bench_cores.py [images] [embedded] [replicates] [epochs].

Defaults: 2112 images of 32 x 32 pixels, 640 of them embedded; five replicates of 20 epochs of the paper's network. Each
is done once with one worker and once with as many as there are processors; shown are both times, and whether the bits
are the same.
"""

import hashlib
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from components.contracts.imageset import ImageSet, pixel_digest, read_imageset, write_imageset

IMAGES, EMBEDDED, REPLICATES, EPOCHS = (int(n) for n in sys.argv[1:] + ["2112", "640", "5", "20"][len(sys.argv) - 1 :])


def images() -> ImageSet:
    """Return images of noise in two classes and five folds."""
    rng, rows = np.random.default_rng(0), np.arange(IMAGES)
    pixels = rng.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8)
    names = np.array([f"{row}.png" for row in rows])
    return ImageSet(
        name="noise",
        notice="",
        classes=("benign", "malignant"),
        positive_class="malignant",
        images=pixels,
        paths=names,
        labels=rows % 2,
        splits=np.full(IMAGES, "development"),
        folds=rows // 2 % 5,
        groups=names,
        sha256=np.array([pixel_digest(picture) for picture in pixels]),
    )


def embed(root: Path, alone: bool) -> str:
    """Embed images on one processor or all; return the digest of their features."""
    from components.embed.embed import embed as stage

    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)} if alone else processors)
    sets, rows = {"development": read_imageset(root / "development")}, {"development": np.arange(EMBEDDED)}
    stage(sets, rows, {"development": 1}, gpus="", threads=1, features_folder=root / "features")
    os.sched_setaffinity(0, processors)
    return hashlib.sha256((root / "features" / "development.npy").read_bytes()).hexdigest()


def train(root: Path, alone: bool) -> str:
    """Train an arm without helpers or with them; return the digest of what its networks gave for validation rows."""
    from dataclasses import asdict

    from components.classifiers.start import start_tensorflow

    start_tensorflow()
    from components.contracts.arms import parse_arm
    from components.contracts.classifier import chosen, save_classifier
    from components.train_classifier.helpers import Job
    from components.train_classifier.replicates import ClassifierSettings
    from components.train_classifier.train import train_classifier

    settings = ClassifierSettings(epochs=EPOCHS, batch_size=32, learning_rate=1e-3, dropout=0.25, patience=0)
    paper, development = chosen("paper", "", "all", "weights"), read_imageset(root / "development")
    save_classifier(root / "network", paper, None)
    paths = (str(root / name) for name in ("development", "development", "network", "models"))
    job = None if alone else Job(*paths, "real", 0, asdict(settings), 1)
    given = (development, None, parse_arm("real"), REPLICATES, 0, settings, paper)
    train_classifier(*given, threads=1, models_folder=root / "models", helped_with=job)
    return hashlib.sha256((root / "models" / "validation.npy").read_bytes()).hexdigest()


def processor_seconds() -> float:
    """Return what this process and those that it has waited for have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def measure(name: str, work: Callable[[Path, bool], str], root: Path) -> None:
    """Print the times of both ways."""
    work(root, True)  # what is loaded, and compiled, once
    digests = []
    for alone in (True, False):
        start, used = time.monotonic(), processor_seconds()
        digests.append(work(root, alone))
        took, used = time.monotonic() - start, processor_seconds() - used
        print(
            f"{name}, {'one worker' if alone else 'all processors'}: {took:.1f} s, {used:.1f} s of processors",
            flush=True,
        )
    print(f"{name}: {'the same bits' if digests[0] == digests[1] else 'OTHER BITS'}", flush=True)


def main() -> None:
    """Measure both stages."""
    print(f"{len(os.sched_getaffinity(0))} processors, load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        write_imageset(Path(folder) / "development", images())
        measure(f"{EMBEDDED} images embedded", embed, Path(folder))
        measure(f"{REPLICATES} replicates of {EPOCHS} epochs", train, Path(folder))


if __name__ == "__main__":
    main()
