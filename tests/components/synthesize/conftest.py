"""What the tests of `synthesize` need: untrained generators."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from components.generators.networks import Generator, initialise


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


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
