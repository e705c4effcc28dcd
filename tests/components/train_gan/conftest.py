import numpy as np
import pytest
import torch

from components.contracts.imageset import ImageSet, pixel_digest

FOLDS = 4


def make_development(count: int = 40, size: int = 16, seed: int = 0) -> ImageSet:
    rng = np.random.default_rng(seed)
    colours = rng.integers(40, 216, (count, 1, 1, 3))
    images = (colours + rng.integers(-40, 40, (count, size, size, 3))).astype(np.uint8)
    rows = np.arange(count)
    return ImageSet(
        name="test",
        notice="",
        classes=("benign", "malignant"),
        images=images,
        paths=np.array([f"{i}.png" for i in rows]),
        labels=rows % 2,
        splits=np.array(["development"] * count),
        folds=rows // 2 % FOLDS,
        groups=np.array([str(i) for i in rows]),
        sha256=np.array([pixel_digest(image) for image in images]),
    )


@pytest.fixture
def development() -> ImageSet:
    return make_development()


@pytest.fixture(autouse=True)
def torch_settings():
    """Each test starts on one thread, and other tests get back the settings that a training changes."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)
