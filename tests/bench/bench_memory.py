"""Measures the memory that stages take for a large data set: python tests/bench/bench_memory.py [images] [size] [looks]

Defaults: 30,000 JPEGs of 224 x 224 pixels, 4.5 GB of pixels. The network of `embed` looks at 500 of them, spread over
all (a tenth of a second each); the features of all are drawn. `paper` is trained for one epoch. Each stage is a process
of its own; shown are its seconds and the most memory that it held, mapped files with it.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from components.contracts.imageset import ImageSet, read_imageset

SETS = {"development": "development", "test": "test", "synthetic": "external", "external": "external"}


def draw(folder: Path, images: int, size: int) -> None:
    """Write JPEGs of soft colours in two classes, a quarter of them as test set; no two are alike."""
    rng = np.random.default_rng(0)
    for number in range(images):
        label = ("benign", "malignant")[number // 4 % 2]
        place = folder / ("test" if number % 4 == 0 else "train") / label
        place.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 256, (7, 7, 3), dtype=np.uint8))
        coarse.resize((size, size), Image.Resampling.BILINEAR).save(place / f"{number:06}.jpg", quality=80)


def prepare(root: Path, size: int, looks: int) -> None:
    """From files to image sets."""
    from components.data_set.data_set import open_data_set
    from components.prepare.prepare import PrepareSettings
    from components.prepare.prepare import prepare as stage

    names = ("development", "test", "data_report", "page.html", "external")
    settings = PrepareSettings("malignant", image_size=size, threads=2)
    stage(open_data_set(str(root / "images")), settings, *(root / name for name in names))


def embed(root: Path, size: int, looks: int) -> None:
    """Some images through the network."""
    from components.embed.embed import embed as stage

    sets = sets_of(root)
    rows = {name: np.unique(np.linspace(0, len(one) - 1, looks // 2, dtype=int)) for name, one in sets.items()}
    rows |= dict.fromkeys(("synthetic", "external"), np.empty(0, np.int64))
    stage(sets, rows, dict.fromkeys(sets, 1), gpus="", threads=1, features_folder=root / "looked_at")


def draw_features(root: Path) -> None:
    """Write features of all images as `embed` does, drawn at random."""
    from components.contracts.features import new_features
    from components.contracts.pixels import let_go

    (root / "features").mkdir()
    rng = np.random.default_rng(0)
    for name, one in sets_of(root).items():
        with new_features(root / "features", name, np.arange(len(one)), 1, 3936) as values:
            for start in range(0, len(one), 1000):
                labels = one.labels[start : start + 1000, None]
                values[start : start + 1000, 0] = labels + rng.normal(0, 3, (len(labels), 3936))
                let_go(values)
    about = (root / "looked_at" / "features.json").read_text(encoding="utf-8")
    (root / "features" / "features.json").write_text(about, encoding="utf-8")


def heads(root: Path, size: int, looks: int) -> None:
    """The classifier `pretrained`, trained."""
    from components.contracts.arms import parse_arm
    from components.contracts.features import read_features
    from components.train_classifier.train_heads import train_heads

    sets, features = sets_of(root), read_features(root / "features")
    given = (sets["development"], sets["synthetic"], features, parse_arm("real"), 3, 0)
    train_heads(*given, threads=1, models_folder=root / "heads")


def heads_evaluated(root: Path, size: int, looks: int) -> None:
    """The classifier `pretrained`, on the test set."""
    from components.contracts.features import read_features
    from components.evaluate.evaluate import evaluate

    sets, features = sets_of(root), read_features(root / "features")
    evaluate(root / "heads", sets["test"], sets["external"], 0.9, root / "out", threads=1, features=features)


def paper(root: Path, size: int, looks: int) -> None:
    """The classifier `paper`, trained on pixels."""
    from components.classifiers.start import start_tensorflow

    start_tensorflow()
    from components.contracts.arms import parse_arm
    from components.contracts.classifier import Classifier
    from components.train_classifier.replicates import ClassifierSettings
    from components.train_classifier.train import train_classifier

    settings = ClassifierSettings(epochs=1, batch_size=32, learning_rate=1e-3, dropout=0.25, patience=0)
    chosen = Classifier("paper", "paper", "all", "weights")
    given = (sets_of(root)["development"], None, parse_arm("real"), 1, 0, settings, chosen)
    train_classifier(*given, threads=1, models_folder=root / "models")


def paper_evaluated(root: Path, size: int, looks: int) -> None:
    """The classifier `paper`, on the test set."""
    from components.evaluate.evaluate import evaluate

    sets = sets_of(root)
    evaluate(root / "models", sets["test"], sets["external"], 0.9, root / "out", threads=1)


STAGES: tuple[Callable[[Path, int, int], None], ...] = (prepare, embed, heads, heads_evaluated, paper, paper_evaluated)


def sets_of(root: Path) -> dict[str, ImageSet]:
    """Open all image sets; there are no synthetic and no external images."""
    return {name: read_imageset(root / folder) for name, folder in SETS.items()}


def measure(stage: str, root: Path, size: int, looks: int) -> None:
    """Run one stage in a process of its own and print its seconds and peak memory."""
    start = time.monotonic()
    words = [sys.executable, __file__, "--stage", stage, str(root), str(size), str(looks)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    held = int(re.findall(r"peak (\d+)", done.stdout)[-1]) * 1024
    print(f"{stage:16} {time.monotonic() - start:7.1f} s {held / 1e6:7,.0f} MB at most", flush=True)


def main(images: int = 30_000, size: int = 224, looks: int = 500) -> None:
    """Draw the images and measure every stage."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        draw(root / "images", images, size)
        print(f"{images:,} images of {size} x {size}: {images * size**2 * 3 / 1e9:.1f} GB of pixels", flush=True)
        for stage in STAGES:
            measure(stage.__name__, root, size, looks)
            if stage is embed:
                draw_features(root)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stage"]:
        name, root, size, looks = sys.argv[2:]
        globals()[name](Path(root), int(size), int(looks))
        print("peak", re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))[0])
    else:
        main(*map(int, sys.argv[1:]))
