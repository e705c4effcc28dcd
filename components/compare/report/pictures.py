"""The report's pictures: montages and single images as data URIs, with the words that describe them."""

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from components.contracts.arms import GAN
from components.contracts.imageset import ImageSet
from components.pictures.figures import montage, picture_uri

SHOWN_A_CLASS = 20
IN_A_ROW = 8
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
    """Return one sheet of real and one of the GANs' images of a class (the paper's figure 6)."""
    made = (synthetic.labels == label) & (_sources_of(synthetic) == GAN)
    real = _sheet(development, np.flatnonzero(development.labels == label), "real", SHOWN_A_CLASS, columns=5)
    return real, _sheet(synthetic, np.flatnonzero(made), "synthetic", SHOWN_A_CLASS, columns=5)


def sources_side_by_side(development: ImageSet, synthetic: ImageSet) -> list[tuple[str, list[Picture]]]:
    """Return of each class that has synthetic images a row of real ones, and one of every source's."""
    found, sources = [], _sources_of(synthetic)
    for label in synthetic_labels(synthetic):
        real = np.flatnonzero(development.labels == label)
        rows = [_sheet(development, real, "real", IN_A_ROW, columns=IN_A_ROW)]
        of_class = synthetic.labels == label
        for source in np.unique(sources[of_class]):
            made = np.flatnonzero(of_class & (sources == source))
            rows.append(_sheet(synthetic, made, str(source), IN_A_ROW, columns=IN_A_ROW))
        found.append((development.classes[label], rows))
    return found


def _sheet(imageset: ImageSet, rows: np.ndarray, what: str, most: int, columns: int) -> Picture:
    """Return at most so many of the rows on one sheet, taken evenly from first to last."""
    chosen = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]
    pixels = montage(np.asarray(imageset.images[chosen]), columns)
    name = imageset.classes[imageset.labels[rows[0]]]
    return Picture(picture_uri(pixels), f"{len(chosen)} {what} images of {name}", what, pixels.shape[1])


def _sources_of(synthetic: ImageSet) -> np.ndarray:
    """Return the source of each image (str [N])."""
    return np.array([group.rpartition("-")[0] for group in synthetic.groups.tolist()])


def embedded(encoded: str, alt: str, caption: str) -> Picture:
    """Return a picture that is base64 PNG already."""
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as picture:
        return Picture(f"data:image/png;base64,{encoded}", alt, caption, picture.width)


def synthetic_labels(synthetic: ImageSet) -> Iterable[int]:
    """Return the labels that have synthetic images."""
    return (int(label) for label in np.unique(synthetic.labels))
