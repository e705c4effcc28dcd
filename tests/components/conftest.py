"""What the tests of several stages need: small image sets, and real images where they are at hand."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.contracts.imageset import ImageSet, pixel_digest
from pipelines.phantoms.drawing import draw_phantom

CLASSES = ("benign", "malignant", "seborrheic", "vascular")
FOLDS = 5


@pytest.fixture(scope="session")
def colour_set():
    """Return a function that makes an image set: noise around one colour a class, `count` images of each."""

    def make(count: int = 20, size: int = 20, classes: int = 2, split: str = "development", seed: int = 0) -> ImageSet:
        rng = np.random.default_rng([seed, len(split)])
        labels = np.repeat(np.arange(classes), count)
        colours = np.array([[170, 120, 110], [120, 90, 90], [120, 170, 90], [90, 90, 170]])[labels]
        noise = rng.normal(0, 40, (len(labels), size, size, 3))
        names = [f"{CLASSES[label]}/{i:03}" for i, label in enumerate(labels)]
        indices = np.arange(len(labels))
        return ImageSet(
            name="colours",
            notice="",
            classes=CLASSES[:classes],
            positive_class="malignant",
            images=(colours[:, None, None, :] + noise).clip(0, 255).astype(np.uint8),
            paths=np.array(names),
            labels=labels.astype(np.int64),
            splits=np.full(len(labels), split),
            folds=indices % 5 if split == "development" else np.full(len(labels), -1),
            groups=np.full(len(labels), "gan-0") if split == "synthetic" else np.array(names),
            sha256=np.array([f"{split}-{seed}-{i}" for i in indices]),
        )

    return make


def phantom_images(class_number: int, start: int, count: int, size: int = 32) -> np.ndarray:
    return np.stack([draw_phantom(class_number, i, size=size, seed=0) for i in range(start, start + count)])


@pytest.fixture(scope="session")
def phantom_set() -> ImageSet:
    """Two classes of 60 phantoms of 32 x 32 pixels in five folds."""
    return _phantoms("development", 0, 60)


@pytest.fixture(scope="session")
def phantom_test_set() -> ImageSet:
    """Other phantoms: 30 of each class."""
    return _phantoms("test", 60, 30)


def _phantoms(split: str, start: int, count: int) -> ImageSet:
    images = np.concatenate([phantom_images(label, start, count) for label in (0, 1)])
    rows = np.arange(len(images))
    return ImageSet(
        name="phantoms",
        notice="drawn, not patients",
        classes=("benign", "malignant"),
        positive_class="malignant",
        images=images,
        paths=np.array([f"{start + row}.png" for row in rows]),
        labels=rows // count,
        splits=np.full(len(rows), split),
        folds=rows % FOLDS if split == "development" else np.full(len(rows), -1),
        groups=np.array([f"{split}-{row}" for row in rows]),
        sha256=np.array([pixel_digest(image) for image in images]),
    )


@pytest.fixture(scope="session")
def isic_images() -> np.ndarray:
    """The 1197 malignant training images of the ISIC set, uint8 [N, 32, 32, 3]."""
    default = Path(__file__).parents[2] / "../shared/data/isic-malignant-vs-benign"
    folder = Path(os.environ.get("GANSWEEP_TEST_ISIC", default)) / "train" / "malignant"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: set GANSWEEP_TEST_ISIC to the ISIC set")
    images = []
    for path in sorted(folder.glob("*.jpg")):
        with Image.open(path) as file:
            file.draft("RGB", (64, 64))
            images.append(np.asarray(file.convert("RGB").resize((32, 32), Image.Resampling.BOX)))
    return np.stack(images)
