"""Brings images to the size that a GAN draws, and its pictures to that of the run."""

import numpy as np
import torch
from torch.nn.functional import interpolate

CHUNK = 32


def scaled(images: np.ndarray, rows: np.ndarray, size: int) -> np.ndarray:
    """Return these rows of `images` (uint8 [N, S, S, 3]) as uint8 [n, size, size, 3].

    Smaller ones hold the mean colour of the area that each pixel covers, larger ones are bicubic. Few images at a
    time are held at both sizes.
    """
    if size == images.shape[1]:
        return images[rows]
    out = np.empty((len(rows), size, size, 3), np.uint8)
    for first in range(0, len(rows), CHUNK):
        chunk = images[rows[first : first + CHUNK]]
        out[first : first + CHUNK] = _by_area(chunk, size) if size < images.shape[1] else _bicubic(chunk, size)
    return out


def _by_area(images: np.ndarray, size: int) -> np.ndarray:
    before = images.shape[1]
    edges = np.arange(size + 1) * (before / size)
    starts = np.arange(before)
    overlap = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    weights = (overlap.clip(0) * (size / before)).astype(np.float32)
    rows = np.einsum("ih,nhwc->niwc", weights, images, optimize=True)
    return np.rint(np.einsum("jw,niwc->nijc", weights, rows, optimize=True)).astype(np.uint8)


def _bicubic(images: np.ndarray, size: int) -> np.ndarray:
    planes = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float()
    larger = interpolate(planes, size=(size, size), mode="bicubic", align_corners=False)
    return larger.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
