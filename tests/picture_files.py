"""Smooth pictures of blobs for tests of `prepare`: different seeds correlate weakly, same seeds are the same."""

import io
from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, height: int = 64, width: int = 64) -> Image.Image:
    """Draw an RGB picture of smooth random colour."""
    coarse = np.random.default_rng([7, seed]).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    """Return a picture as the bytes of a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def write_classes(root: Path, counts: dict[str, int], first: int = 0) -> Path:
    """Write a data set of smooth pictures, {"train/benign": 12, ...}, all of them different."""
    seed = first
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            (root / folder / f"{i:03}.png").write_bytes(encoded(picture(seed)))
            seed += 1
    return root
