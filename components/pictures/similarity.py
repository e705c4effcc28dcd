"""How alike two images look, whichever way they are flipped or turned."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

THUMBNAIL = 8
MEAN_WEIGHT = 0.25
CHUNK_VALUES = 4_000_000
SUBTRACTED = 1024
ROUNDING = 1e-5  # of squared lengths: products of 192 values in float32 stay well below
NEIGHBOURHOOD = 50
FALSE_ALARMS = 0.01
LARGEST_THRESHOLD = 0.3


@dataclass(frozen=True)
class Neighbours:
    """The nearest reference images of each of n images: row numbers, int64 [n, k], and distances, float32 [n, k].

    Nearest first. A distance is infinite where the reference was not to be looked at.
    """

    rows: np.ndarray
    distances: np.ndarray


def thumbnails(images: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return 8 x 8 thumbnails, float32 [N, 8, 8, 3], of uint8 [N, S, S, 3] images with S of 8 to 512.

    With `rows` (int) those of some images, [n, 8, 8, 3]; few of them are in memory at once.
    The Euclidean distance of two thumbnails is the root mean square difference of their pixels, in 0..1, with the
    mean colour weighing a quarter: averaging over blocks hides noise, and a change of brightness hides no copy.
    """
    size, count = images.shape[1], len(images) if rows is None else len(rows)
    # In eighths of a pixel cells and pixels have whole edges, and all sums are exact: a flipped image has the flipped
    # thumbnail to the bit.
    cells, pixels = np.arange(THUMBNAIL)[:, None] * size, np.arange(size) * THUMBNAIL
    covered = np.minimum(cells + size, pixels + THUMBNAIL) - np.maximum(cells, pixels)
    weights = covered.clip(0).astype(np.float32)
    small = np.empty((count, THUMBNAIL, THUMBNAIL, 3), np.float32)
    step = max(1, CHUNK_VALUES // (3 * size**2))
    for start in range(0, count, step):
        chosen = slice(start, start + step)
        part = images[chosen if rows is None else rows[chosen]].astype(np.float32).reshape(-1, size, 3 * size)
        lines = (weights @ part).astype(np.float64).reshape(-1, THUMBNAIL, size, 3)
        small[chosen] = (weights.astype(np.float64) @ lines) / size**2
    # In float64 the sum is exact: a flipped or turned image has the very same mean.
    small -= (1 - MEAN_WEIGHT) * small.mean((1, 2), keepdims=True, dtype=np.float64).astype(np.float32)
    return small / np.float32(255 * np.sqrt(3) * THUMBNAIL)


def nearest(
    queries: np.ndarray,
    references: np.ndarray,
    count: int,
    query_groups: np.ndarray | None = None,
    reference_groups: np.ndarray | None = None,
) -> Neighbours:
    """Return the `count` nearest references of each query, the nearer the more alike in any of 8 orientations.

    Both are thumbnails. With groups (str, one an image) a query isn't compared with references of its own group.
    The distance of identical images is 0, which a product of rounded numbers does not give: what it leaves in doubt is
    subtracted.
    """
    count = min(count, len(references))
    flat = references.reshape(len(references), -1)
    squares = np.square(flat).sum(1)
    step = max(1, CHUNK_VALUES // len(flat))
    # Fresh memory for every product would cost as much as the product.
    products = np.empty((2, min(step, len(queries)), len(flat)), np.float32)
    rows, distances = [], []
    for start in range(0, len(queries), step):
        part = queries[start : start + step]
        turned = np.stack(orientations(part)).reshape(8, len(part), -1)
        lengths = np.square(part).sum((1, 2, 3))[:, None] + squares
        likeness = np.matmul(turned[0], flat.T, out=products[0, : len(part)])
        for each in turned[1:]:
            np.maximum(likeness, np.matmul(each, flat.T, out=products[1, : len(part)]), out=likeness)
        squared = lengths - 2 * likeness
        in_doubt = np.argwhere(squared < ROUNDING * lengths)
        for first in range(0, len(in_doubt), SUBTRACTED):
            query, reference = in_doubt[first : first + SUBTRACTED].T
            squared[query, reference] = np.square(turned[:, query] - flat[reference]).sum(2).min(0)
        if query_groups is not None and reference_groups is not None:
            squared[query_groups[start : start + step, None] == reference_groups] = np.inf
        found = np.argpartition(squared, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(squared, found, axis=1)
        order = np.argsort(values, axis=1, kind="stable")
        rows.append(np.take_along_axis(found, order, axis=1))
        distances.append(np.sqrt(np.maximum(np.take_along_axis(values, order, axis=1), 0)))
    return Neighbours(np.concatenate(rows), np.concatenate(distances))


def relative_distance(distances: np.ndarray, typical: float) -> np.ndarray:
    """Return the distance to the nearest image over that to its neighbourhood, float64 [n]: 0 for an exact copy.

    `distances` [n, k], nearest first; the neighbourhood is the mean of the 2nd to the 51st. Without it a blurred
    image, near to all others, would look like a copy. Two parts of the class's `typical` neighbourhood to one of
    the image's own keep slight noise from hiding a copy where images lie close together.
    """
    return 3 * distances[:, 0].astype(np.float64) / (neighbourhood(distances) + 2 * typical)


def flag_threshold(distances: np.ndarray) -> float:
    """Return the limit below which at most 1% of fresh real images fall, from relative distances of real images [n].

    That is the k-th smallest with k = floor(0.01 (n + 1)): a further distance of the same kind is below it with a
    probability of k / (n + 1). Fewer than 99 allow no such limit; half of the smallest is taken for them. Beyond
    0.3 no image is a copy: where even the closest real images are far apart, the 1% would be no more than alike,
    and pale or averaged pictures, nearer to all real images than these to each other, would be flagged.
    """
    rank = int(FALSE_ALARMS * (len(distances) + 1))
    limit = np.sort(distances)[rank - 1] if rank else distances.min() / 2
    return float(min(limit, LARGEST_THRESHOLD))


def usual_among(images: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """Return what is usual among thumbnails: the typical neighbourhood, and below which limit another is a copy of one.

    Images of the same group (str, one an image) aren't compared.
    """
    among = nearest(images, images, NEIGHBOURHOOD + 1, groups, groups)
    typical = float(np.median(neighbourhood(among.distances)))
    return typical, flag_threshold(relative_distance(among.distances, typical))


def neighbourhood(distances: np.ndarray) -> np.ndarray:
    """Return the mean of the 2nd to the 51st of the distances, float64 [n]."""
    others = distances[:, 1 : NEIGHBOURHOOD + 1].astype(np.float64)
    return np.mean(others, axis=1, where=np.isfinite(others))


def orientations(images: np.ndarray) -> list[np.ndarray]:
    """Return the four quarter turns of images [N, S, S, 3] and of their mirror images."""
    return [np.rot90(mirrored, turns, (1, 2)) for mirrored in (images, images[:, :, ::-1]) for turns in range(4)]


def side_by_side(left: np.ndarray, right: np.ndarray) -> str:
    """Return two pictures (uint8, S x S x 3) beside each other, a white gap between, as a base64 PNG."""
    gap = np.full((left.shape[0], max(1, left.shape[0] // 16), 3), 255, dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.concatenate([left, gap, right], axis=1)).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")
