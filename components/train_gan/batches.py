"""What one epoch of a GAN shows to its networks: real images in a new order, a latent for each."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from components.contracts.errors import InputError
from components.contracts.imageset import ImageSet
from components.generators.networks import from_pixels


def training_pixels(development: ImageSet, class_name: str, replicate: int) -> np.ndarray:
    """Return the pixels, uint8 [N, S, S, 3], that a GAN replicate learns from.

    These are the development rows of its class that it does not validate on. Raises InputError for an unknown
    class and for fewer than 2 images.
    """
    if class_name not in development.classes:
        raise InputError(f"train_gan: no class '{class_name}'; the development set has {development.classes}")
    own = development.labels == development.classes.index(class_name)
    rows = np.flatnonzero(own & ~development.validation_mask(replicate))
    if len(rows) < 2:
        raise InputError(f"data_set: {class_name}: {len(rows)} images to learn from; a GAN needs 2 at the very least")
    return development.images[rows]


def batch_sizes(images: int, batch_size: int) -> list[int]:
    """Return the sizes of an epoch's batches.

    As in the DCGAN tutorial the last batch may be smaller. A last batch of one image, whose statistics batch
    norm could make nothing of, is added to the batch before.
    """
    whole, rest = divmod(images, batch_size)
    sizes = [batch_size] * whole + [rest] * (rest > 0)
    return [*sizes[:-2], batch_size + 1] if rest == 1 and whole else sizes


def batches(
    pixels: Tensor, batch_size: int, latent: int, flips: bool, rng: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield one epoch: real images, float32 [B, 3, S, S] in -1..1, and as many latents, float32 [B, latent, 1, 1].

    `pixels` is uint8 [N, S, S, 3]; images and latents lie on its device. All random numbers are drawn from
    `rng`, on the CPU, before the first batch.
    """
    images = len(pixels)
    sizes = batch_sizes(images, batch_size)
    order = torch.randperm(images, generator=rng).to(pixels.device)
    latents = torch.randn(images, latent, 1, 1, generator=rng).to(pixels.device)
    turns = torch.randint(2, (images, 3, 1, 1, 1), generator=rng).bool().to(pixels.device)
    for rows, own_latents, own_turns in zip(order.split(sizes), latents.split(sizes), turns.split(sizes), strict=True):
        real = pixels.index_select(0, rows)
        yield from_pixels(turned(real, own_turns) if flips else real), own_latents


def turned(pixels: Tensor, turns: Tensor) -> Tensor:
    """Return each image of `pixels`, uint8 [N, S, S, 3], in one of the 8 symmetries of the square.

    `turns`, bool [N, 3, 1, 1, 1], says whether to mirror it left to right, top to bottom and along the diagonal.
    """
    pixels = torch.where(turns[:, 0], pixels.flip(2), pixels)
    pixels = torch.where(turns[:, 1], pixels.flip(1), pixels)
    return torch.where(turns[:, 2], pixels.transpose(1, 2), pixels)
