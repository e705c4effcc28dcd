"""What the tests of `synthesize` need: phantoms, untrained generators, real images where they are at hand."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from components.contracts.imageset import ImageSet, pixel_digest
from components.generators.networks import Generator, initialise
from pipelines.phantoms.drawing import draw_phantom

FOLDS = 5


def phantom_images(class_number: int, start: int, count: int, size: int = 32) -> np.ndarray:
    return np.stack([draw_phantom(class_number, i, size=size, seed=0) for i in range(start, start + count)])


@pytest.fixture(scope="session")
def phantom_set() -> ImageSet:
    """Two classes of 60 phantoms of 32 x 32 pixels in five folds."""
    images = np.concatenate([phantom_images(label, 0, 60) for label in (0, 1)])
    rows = np.arange(len(images))
    return ImageSet(
        name="phantoms",
        notice="drawn, not patients",
        classes=("benign", "malignant"),
        positive_class="malignant",
        images=images,
        paths=np.array([f"{row}.png" for row in rows]),
        labels=rows // 60,
        splits=np.full(len(rows), "development"),
        folds=rows % FOLDS,
        groups=np.array([f"group-{row}" for row in rows]),
        sha256=np.array([pixel_digest(image) for image in images]),
    )


@pytest.fixture
def generator(tmp_path):
    """Return a function that writes an untrained generator with its curves, as `train_gan` would, and its folder."""

    def write(name: str, replicate: int, image_size: int = 32) -> Path:
        folder = tmp_path / f"generator-{name}-{replicate}-{image_size}"
        folder.mkdir()
        network = Generator(latent=8, width=4, image_size=image_size)
        initialise(network, torch.Generator().manual_seed(len(name) + replicate))
        save_file(network.state_dict(), folder / "generator.safetensors")
        about = {"class": name, "replicate": replicate, "latent": 8, "width": 4, "image_size": image_size}
        (folder / "gan.json").write_text(json.dumps(about))
        (folder / "losses.csv").write_text("update,loss_d,loss_g,score_real,score_fake\n1,0.7,0.7,0.5,0.5\n")
        np.save(folder / "progress.npy", np.zeros((2, 16, image_size, image_size, 3), np.uint8), allow_pickle=False)
        return folder

    return write


@pytest.fixture(scope="session")
def isic_images() -> np.ndarray:
    """The 1197 malignant training images of the ISIC set, uint8 [N, 32, 32, 3]."""
    default = Path(__file__).parents[3] / "../shared/data/isic-malignant-vs-benign"
    folder = Path(os.environ.get("GANSWEEP_TEST_ISIC", default)) / "train" / "malignant"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: set GANSWEEP_TEST_ISIC to the ISIC set")
    images = []
    for path in sorted(folder.glob("*.jpg")):
        with Image.open(path) as file:
            file.draft("RGB", (64, 64))
            images.append(np.asarray(file.convert("RGB").resize((32, 32), Image.Resampling.BOX)))
    return np.stack(images)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
