"""What one pass of a GAN shows to its networks: real images in a new order, a latent for each."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from components.contracts.errors import InputError
from components.contracts.imageset import ImageSet
from components.generators.device import to_device
from components.generators.networks import from_pixels
from components.generators.scale import scaled


def training_pixels(development: ImageSet, class_name: str, replicate: int, size: int) -> np.ndarray:
    """Return the pixels, uint8 [N, size, size, 3], that a GAN replicate learns from.

    These are the development rows of its class that it does not validate on, scaled down to `size` if that is
    smaller. Raises InputError for an unknown class and for fewer than 2 images.
    """
    if class_name not in development.classes:
        raise InputError(f"train_gan: no class '{class_name}'; the development set has {development.classes}")
    own = development.labels == development.classes.index(class_name)
    rows = np.flatnonzero(own & ~development.validation_mask(replicate))
    if len(rows) < 2:
        raise InputError(f"data_set: {class_name}: {len(rows)} images to learn from; a GAN needs 2 at the very least")
    return scaled(development.images, rows, size)


def batch_sizes(images: int, batch_size: int, whole_passes: bool) -> list[int]:
    """Return the sizes of a pass's batches.

    In whole passes the last batch may be smaller, as in the DCGAN tutorial; a last batch of one image, whose
    statistics batch norm could make nothing of, is added to the batch before. Where updates are counted each is worth
    the same: all batches are full, and what is left over waits for another order.
    """
    whole, rest = divmod(images, batch_size)
    if whole and not whole_passes:
        return [batch_size] * whole
    sizes = [batch_size] * whole + [rest] * (rest > 0)
    return [*sizes[:-2], batch_size + 1] if rest == 1 and whole else sizes


def batches(
    pixels: Tensor, sizes: list[int], latent: int, flips: bool, rng: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield one pass in batches of these `sizes`.

    A batch is real images, float32 [B, 3, S, S] in -1..1, and as many latents, float32 [B, latent, 1, 1].

    `pixels` is uint8 [N, S, S, 3]; images and latents lie on its device. All random numbers are drawn from
    `rng`, on the CPU, before the first batch.
    """
    shown = sum(sizes)
    order = to_device(torch.randperm(len(pixels), generator=rng)[:shown], pixels.device)
    latents = to_device(torch.randn(shown, latent, 1, 1, generator=rng), pixels.device)
    turns = to_device(torch.randint(2, (shown, 3, 1, 1, 1), generator=rng).bool(), pixels.device)
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
