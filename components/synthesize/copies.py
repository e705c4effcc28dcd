"""Finds near-copies of test images: plain, flipped, turned, cropped a little, encoded anew, brighter or noisy.

Whoever trains on such a picture has seen the test set. A picture is compared with the test images that its thumbnail is
nearest to, each of them whole and in small crops, and flagged where it is far nearer to one of them than images are
that lie thereabouts.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from components.contracts.imageset import ImageSet
from components.pictures.similarity import (
    MEAN_WEIGHT,
    NEIGHBOURHOOD,
    THUMBNAIL,
    flag_threshold,
    nearest,
    neighbourhood,
    orientations,
    relative_distance,
    thumbnails,
)

CANDIDATES = 10
SIDE = 32  # pixels: crops are cut from images of this size
CROPS = (0.03, 0.06, 0.09)  # shares of height and width that are cut off, at one side, the other or both
MOST_CALIBRATED = 2000
_CHUNK = 64


@dataclass(frozen=True)
class Copies:
    """What was found about n pictures: which are near-copies (bool [n]), of which rows (int64 [n]), how near (float64).

    The distance is relative: 0 for the same picture, about 1 for any other.
    """

    flagged: np.ndarray
    matches: np.ndarray
    distances: np.ndarray


class CopySearch:
    """Looks for near-copies of the images of a test set, of any class.

    The limit is calibrated on real images: at most 1% of development images are as near to an image of another group,
    among as many of them as there are test images (`flag_threshold`). `real_images` and `real_flagged` tell how many
    development images were held against the test set itself, and how many of these were flagged: false alarms, or
    relatives that the data set's tables and the search for duplicates don't know.
    """

    def __init__(self, test: ImageSet, development: ImageSet, seed: int) -> None:
        self._test = _References(test.images, np.arange(len(test)))
        rng = np.random.default_rng(seed)
        order = rng.permutation(np.flatnonzero(~np.isin(development.groups, test.groups)))
        size = min(len(test), len(order) // 2)
        references, others = np.sort(order[:size]), np.sort(order[size:][:MOST_CALIBRATED])
        among = _References(development.images, references)
        real, groups = thumbnails(development.images, others), development.groups
        self.threshold = flag_threshold(among.search(real, groups[others], groups[references])[1])
        self.real_images = len(others)
        self.real_flagged = int((self._test.search(real)[1] < self.threshold).sum())

    def find(self, images: np.ndarray) -> Copies:
        """Hold pictures (uint8 [n, S, S, 3]) against the test images."""
        matches, distances = self._test.search(thumbnails(images))
        return Copies(distances < self.threshold, matches, distances)


class _References:
    """Images that others may be copies of."""

    def __init__(self, images: np.ndarray, rows: np.ndarray) -> None:
        self._thumbnails = thumbnails(images, rows)
        self._small = _reduced(images, rows)
        count = 1 + 9 * len(CROPS)
        self._cropped = np.empty((len(rows), count, 3 * THUMBNAIL**2), np.float32)  # of those that were candidates
        self._is_cropped = np.zeros(len(rows), bool)
        own = nearest(self._thumbnails, self._thumbnails, NEIGHBOURHOOD + 1)
        self._typical = float(np.median(neighbourhood(own.distances)))

    def search(
        self, queries: np.ndarray, groups: np.ndarray | None = None, own_groups: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return for each thumbnail the image it is most like (int64 [n]), and its relative distance (float64 [n]).

        With groups (str, one an image) it isn't compared with images of its own group.
        """
        found = nearest(queries, self._thumbnails, NEIGHBOURHOOD + 1, groups, own_groups)
        near = found.distances.copy()
        matches = found.rows[:, 0].copy()
        for start in range(0, len(queries), _CHUNK):
            part = slice(start, start + _CHUNK)
            rows = found.rows[part, :CANDIDATES]
            exact = np.where(np.isinf(near[part, :CANDIDATES]), np.inf, self._aligned(queries[part], rows))
            best = exact.argmin(1)
            near[part, 0] = exact.min(1)
            matches[part] = rows[np.arange(len(rows)), best]
        return matches, relative_distance(near, self._typical)

    def _aligned(self, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the distances (float32 [n, k]) of thumbnails to reference images, over all crops and orientations."""
        new = np.unique(rows[~self._is_cropped[rows]])
        if len(new):
            self._cropped[new], self._is_cropped[new] = _crops(self._small[new]), True
        crops = self._cropped[rows]  # n, k, crops, values
        turned = np.stack(orientations(queries), 1).reshape(len(queries), -1, crops.shape[-1])
        likeness = (crops.reshape(len(queries), -1, crops.shape[-1]) @ turned.swapaxes(1, 2)).max(2)
        squared = np.square(crops).sum(3) + np.square(turned[:, 0]).sum(1)[:, None, None]
        squared -= 2 * likeness.reshape(crops.shape[:3])
        return np.sqrt(np.maximum(squared.min(2), 0))


def _reduced(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return some rows of images (uint8 [N, S, S, 3]) as float32 [n, s, s, 3] of at most 32 x 32 pixels."""
    size = images.shape[1]
    side = min(SIDE, size)
    weights = _averaging(size, side, 0, size)
    small = np.empty((len(rows), side, side, 3), np.float32)
    for start in range(0, len(rows), _CHUNK):
        part = images[rows[start : start + _CHUNK]].astype(np.float32)
        small[start : start + _CHUNK] = np.einsum("ay,nyxc,bx->nabc", weights, part, weights, optimize=True)
    return small


def _crops(images: np.ndarray) -> np.ndarray:
    """Return thumbnails (float32 [N, 28, 192], as those of `thumbnails`) of images, whole and cropped at each side."""
    size = images.shape[1]
    parts = []
    for cut in (0.0, *CROPS):
        starts = (0.0, 0.5, 1.0) if cut else (0.0,)
        windows = [_averaging(size, THUMBNAIL, size * cut * at, size * (1 - cut + cut * at)) for at in starts]
        for vertical, horizontal in product(windows, windows):
            parts.append(np.einsum("ay,nyxc,bx->nabc", vertical, images, horizontal, optimize=True))
    small = np.stack(parts, 1)
    small -= (1 - MEAN_WEIGHT) * small.mean((2, 3), keepdims=True)
    return small.reshape(*small.shape[:2], -1) / np.float32(255 * np.sqrt(3) * THUMBNAIL)


def _averaging(size: int, side: int, start: float, end: float) -> np.ndarray:
    """Return weights (float32 [side, size]) that average the pixels from `start` to `end` down to `side` of them."""
    edges = np.linspace(start, end, side + 1)
    pixels = np.arange(size)
    covered = np.minimum(pixels + 1, edges[1:, None]) - np.maximum(pixels, edges[:-1, None])
    return (np.maximum(covered, 0) / np.diff(edges)[:, None]).astype(np.float32)
