"""What the tests of the classifier's stages need: small image sets whose classes can be told apart."""

import numpy as np
import pytest

from components.contracts.imageset import ImageSet

CLASSES = ("benign", "malignant", "seborrheic", "vascular")


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
