"""Draws synthetic images from a trained generator."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from components.contracts.errors import InputError
from components.contracts.files import read_json
from components.generators.networks import Generator, place, to_pixels


def load_generator(folder: str | Path) -> Generator:
    """Open the generator that `train_gan` wrote to `folder`, on the CPU, its batch norm at its running statistics.

    Raises InputError naming the file that is missing or wrong.
    """
    folder = Path(folder)
    about = read_json(folder / "gan.json")
    weights = folder / "generator.safetensors"
    try:
        generator = Generator(about["latent"], about["width"], about["image_size"])
        generator.load_state_dict(load_file(weights))
    except KeyError as error:
        raise InputError(f"{folder / 'gan.json'}: has no {error}; train the generator again") from None
    except (OSError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{weights}: not the weights of this generator ({reason}); train it again") from None
    return place(generator.eval().requires_grad_(False), "cpu")


def draws(generator: Generator, seed: int, batch: int = 256) -> Iterator[np.ndarray]:
    """Yield synthetic images without end, uint8 [batch, S, S, 3] each time, in an order fixed by `seed`.

    NumPy fills latents one after the other, and every batch is computed whole, because the rounding of a convolution
    may depend on the number of images it is given.
    """
    rng = np.random.default_rng(seed)
    while True:
        latents = rng.standard_normal((batch, generator.latent, 1, 1), dtype=np.float32)
        with torch.inference_mode():
            images = to_pixels(generator(torch.from_numpy(latents))).numpy()
        yield images


def draw(generator: Generator, count: int, seed: int, batch: int = 256) -> np.ndarray:
    """Return `count` synthetic images, uint8 [count, S, S, 3], in a fixed order.

    The first n of a larger draw with the same seed are the draw of n, bit for bit for the same `batch`.
    """
    return np.concatenate(list(islice(draws(generator, seed, batch), -(-count // batch))))[:count]
