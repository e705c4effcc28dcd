"""The report's pictures: montages and single images as data URIs, with the words that describe them."""

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from components.contracts.imageset import ImageSet
from components.pictures.figures import montage, picture_uri

SHOWN_A_CLASS = 20
LARGEST_SINGLE = 4 * 1024  # bytes: single pictures of 32 pixels stay exact, larger ones are packed


@dataclass(frozen=True)
class Picture:
    """One `<img>`; `width` is its own, in pixels."""

    uri: str
    alt: str
    caption: str
    width: int


class Album:
    """The images of a set by their paths."""

    def __init__(self, imageset: ImageSet, what: str) -> None:
        self.imageset = imageset
        self.what = what
        self.rows = {str(path): row for row, path in enumerate(imageset.paths)}

    def picture(self, path: str) -> Picture | None:
        """Return the image at `path`, or None if the set has none there."""
        row = self.rows.get(path)
        if row is None:
            return None
        pixels = np.asarray(self.imageset.images[row])
        label = self.imageset.classes[self.imageset.labels[row]]
        return Picture(picture_uri(pixels, LARGEST_SINGLE), f"{self.what} of {label}", path, pixels.shape[1])


def noise_to_end(name: str, progress: np.ndarray, updates: list[int], classes: int) -> list[Picture]:
    """Return a sheet a moment of the training of a GAN, from a fixed latent (the paper's figure 5).

    `progress` is uint8 [T, 16, S, S, 3]. The more classes a report has, the fewer of the 16 pictures it shows.
    """
    shown, columns = (16, 4) if classes <= 2 else (9, 3) if classes <= 4 else (4, 2)
    pictures = []
    for moment, (update, images) in enumerate(zip(updates, progress, strict=True)):
        when = "untrained" if update == 0 else f"update {update}"
        place = " (the end)" if moment == len(updates) - 1 else ""
        alt = f"{shown} pictures of {name} drawn by the generator, {when}{place}"
        sheet = montage(images[:shown], columns)
        pictures.append(Picture(picture_uri(sheet), alt, when, sheet.shape[1]))
    return pictures


def real_beside_synthetic(development: ImageSet, synthetic: ImageSet, label: int) -> tuple[Picture, Picture]:
    """Return one sheet of real and one of synthetic images of a class (the paper's figure 6)."""
    name = development.classes[label]

    def sheet(imageset: ImageSet, what: str) -> Picture:
        rows = np.flatnonzero(imageset.labels == label)
        chosen = rows[np.linspace(0, len(rows) - 1, min(SHOWN_A_CLASS, len(rows))).astype(int)]
        pixels = montage(np.asarray(imageset.images[chosen]), columns=5)
        return Picture(picture_uri(pixels), f"{len(chosen)} {what} images of {name}", what, pixels.shape[1])

    return sheet(development, "real"), sheet(synthetic, "synthetic")


def embedded(encoded: str, alt: str, caption: str) -> Picture:
    """Return a picture that is base64 PNG already."""
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as picture:
        return Picture(f"data:image/png;base64,{encoded}", alt, caption, picture.width)


def synthetic_labels(synthetic: ImageSet) -> Iterable[int]:
    """Return the labels that have synthetic images."""
    return (int(label) for label in np.unique(synthetic.labels))
