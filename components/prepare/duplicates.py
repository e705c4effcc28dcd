"""Finds images that show the same: equal pixels, or thumbnails that correlate, also flipped or turned.

The search over all pairs is exact and still fast, as bounds leave out what can't pass. Let u, v be thumbnails less
their mean, scaled to length 1, so that u.v is their correlation, and u_k, v_k their parts in subspaces at right angles,
each of which flips and turns map onto itself. Then u.v = sum of u_k.v_k <= sum of |u_k| |v_k| (Cauchy-Schwarz),
whichever way v is turned: the dot product of two *sketches*, the lengths |u_k|, is never below any of 8 correlations.
The subspaces are waves of the cosine transform: flips change their signs, turns swap the two frequencies of each, and
what neither changes enters with its sign. Sketches of 37 numbers leave one in a thousand pairs of skin images. These
are held against each other in each orientation by *signatures*: averaging blocks of 4 x 4 pixels is, up to scale, an
orthogonal projection P onto 192 dimensions, R = 1 - P is what it loses, and u.v <= Pu.Pv + |Ru| |Rv| again. The few
pairs left are compared at full thumbnail size, in exact integers.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from scipy.fft import dctn
from threadpoolctl import threadpool_limits

from components.contracts.errors import InputError
from components.contracts.progress import report

TURNS = 8  # the symmetries of a square: 4 turns by 90 degrees, each plain and flipped
MOST_PAIRS = 5_000_000

_BLOCK = 4  # pixels; side of the averaged blocks
_WAVES = 4  # frequencies each way that a sketch tells apart
_ROUNDING = 1e-4  # far above the error of a float32 dot product of 193 numbers of a unit vector
_ROWS, _COLUMNS = 128, 1024  # thumbnails a tile: 128 x 1024 bounds of 4 bytes stay in the cache
_PANEL = 65536  # thumbnails that one strip of rows is held against at a time: 8 MB of booleans
_COMPARED = 1024  # pairs compared exactly at a time: 2 x 25 MB of float64


@dataclass(frozen=True)
class Pairs:
    """Pairs of images, worst first; `first` < `second` are row numbers (int64), `correlation` is 0..1 (float64)."""

    first: np.ndarray
    second: np.ndarray
    correlation: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    @property
    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All three arrays."""
        return self.first, self.second, self.correlation

    def chosen(self, which: np.ndarray) -> "Pairs":
        """Return some of the pairs: `which` is a mask or an order of their numbers."""
        return Pairs(*(column[which] for column in self.columns))


def exact_duplicates(sha256: np.ndarray) -> Pairs:
    """Return the pairs of images with equal digests; of k copies, the first with each other one (k - 1 pairs)."""
    _, index, inverse = np.unique(sha256, return_index=True, return_inverse=True)
    first = index[inverse]
    second = np.flatnonzero(first != np.arange(len(sha256)))
    return Pairs(first[second], second, np.ones(len(second)))


def near_duplicates(thumbnails: np.ndarray, threshold: float, threads: int = 1, first: int | None = None) -> Pairs:
    """Return all pairs of thumbnails (uint8, N x 32 x 32 x 3) whose correlation is above `threshold`.

    The correlation is Pearson's, over all 3072 values, the highest of the 8 flips and turns by 90 degrees. A thumbnail
    of one colour has none and pairs with nothing. With `first`, one of each pair is among that many first thumbnails.
    Reports its progress in steps of 5%. Raises InputError beyond 5,000,000 pairs, where the threshold no longer tells
    images apart.
    """
    total = len(thumbnails)
    signatures = np.empty((total, 193), dtype=np.float32)
    sketches = np.empty((total, 37), dtype=np.float32)
    for start in range(0, total, _COLUMNS):
        part = slice(start, start + _COLUMNS)
        signatures[part] = _signatures(_units(thumbnails[part]))
        sketches[part] = _sketches(signatures[part])
    searched = total if first is None else first
    starts = range(0, searched, _ROWS)
    step = max(1, len(starts) // 20)
    found: list[np.ndarray] = []
    count = 0
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        searches = [
            pool.submit(_search, thumbnails, signatures, sketches, start, min(start + _ROWS, searched), threshold)
            for start in starts
        ]
        try:
            for done, search in enumerate(searches, start=1):
                found.append(search.result())
                count += len(found[-1])
                if count > MOST_PAIRS:
                    raise InputError(
                        f"near_duplicate_correlation: {threshold} is passed by more than {MOST_PAIRS:,} pairs of "
                        "images; raise it, or leave images out that hardly differ"
                    )
                if done % step == 0 or done == len(starts):
                    report("prepare", "-", min(done * _ROWS, searched), searched, "thumbnails")
        finally:
            pool.shutdown(cancel_futures=True)
    pairs = np.concatenate(found) if found else np.empty((0, 3))
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0], -pairs[:, 2]))]
    return Pairs(pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64), pairs[:, 2])


def turned(thumbnails: np.ndarray, turn: int) -> np.ndarray:
    """Return thumbnails (N x H x H x 3) under one of the 8 symmetries of the square; 0 leaves them as they are."""
    return np.rot90(thumbnails[:, :, ::-1] if turn >= 4 else thumbnails, turn % 4, axes=(1, 2))


def correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the correlation (float64, N) of thumbnails row by row (uint8, N x 32 x 32 x 3); 0 for one-coloured ones.

    Pearson's r = (n Sxy - Sx Sy) / sqrt((n Sxx - Sx^2) (n Syy - Sy^2)); all sums are whole numbers below 2^53, so only
    the last division rounds and the result doesn't depend on the machine or the number of threads.
    """
    x = first.reshape(len(first), -1).astype(np.float64)
    y = second.reshape(len(second), -1).astype(np.float64)
    n = x.shape[1]
    sum_x, sum_y = x.sum(1), y.sum(1)
    covariance = n * np.einsum("ij,ij->i", x, y) - sum_x * sum_y
    variance_x = n * np.einsum("ij,ij->i", x, x) - sum_x**2
    variance_y = n * np.einsum("ij,ij->i", y, y) - sum_y**2
    scale = np.sqrt(variance_x) * np.sqrt(variance_y)
    return np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0)


def _units(thumbnails: np.ndarray) -> np.ndarray:
    """Return thumbnails less their mean, at length 1 (float32); one-coloured ones become 0."""
    values = thumbnails.astype(np.float32)
    values -= values.mean(axis=(1, 2, 3), keepdims=True)
    lengths = np.sqrt((values**2).sum(axis=(1, 2, 3), keepdims=True))
    return np.divide(values, lengths, out=np.zeros_like(values), where=lengths > 1e-3)


def _signatures(units: np.ndarray) -> np.ndarray:
    """Return (Pu, |Ru|), float32 N x 193, of thumbnails of length 1."""
    count, side = units.shape[0], units.shape[1] // _BLOCK
    blocks = units.reshape(count, side, _BLOCK, side, _BLOCK, 3)
    means = blocks.mean(axis=(2, 4), keepdims=True)
    lost = np.sqrt(((blocks - means) ** 2).sum(axis=(1, 2, 3, 4, 5)))
    # A block's mean counts for its 16 pixels, hence the factor sqrt(16).
    return np.column_stack([_BLOCK * means.reshape(count, -1), lost])


def _sketches(signatures: np.ndarray) -> np.ndarray:
    """Return lengths of the parts of signatures (float32 N x 193) that flips and turns leave alone, float32 N x 37.

    A flip turns the sign of waves with an odd frequency that way, a quarter turn also swaps the two frequencies.
    """
    blocks = signatures[:, :-1].reshape(len(signatures), 32 // _BLOCK, 32 // _BLOCK, 3)
    waves = dctn(blocks, axes=(1, 2), norm="ortho")
    parts = []
    for down, across in combinations_with_replacement(range(_WAVES), 2):
        one, other = waves[:, down, across], waves[:, across, down]
        plus, minus = (one + other) / np.sqrt(np.float32(2)), (one - other) / np.sqrt(np.float32(2))
        if (down + across) % 2:
            parts.append(np.hypot(one, other))
        elif down == across:
            parts.append(np.abs(one) if down % 2 else one)
        else:
            parts += [np.abs(plus) if down % 2 else plus, np.abs(minus)]
    energy = np.square(waves)
    energy[:, :_WAVES, :_WAVES] = 0
    lost = np.sqrt(energy.sum(axis=(1, 2, 3)) + signatures[:, -1] ** 2)
    return np.column_stack([*parts, lost])


def _search(
    thumbnails: np.ndarray, signatures: np.ndarray, sketches: np.ndarray, start: int, end: int, threshold: float
) -> np.ndarray:
    """Compare the rows from `start` to `end` with all rows after them; float64 P x 3: first, second, correlation."""
    limit = np.float32(threshold - _ROUNDING)
    turns = _turned_signatures(signatures[start:end])
    found = [np.empty((0, 3))]
    for panel in range(start, len(thumbnails), _PANEL):
        passed = _passed(sketches[start:end], sketches[panel : panel + _PANEL], limit)
        for row in np.flatnonzero(passed.any(axis=1)):
            second = panel + np.flatnonzero(passed[row])
            second = second[second > start + row]
            turn, hits = np.nonzero(turns[:, row] @ signatures[second].T > limit)
            for part in range(0, len(hits), _COMPARED):
                chosen = slice(part, part + _COMPARED)
                numbers = second[hits[chosen]]
                values = correlations(_orientations(thumbnails[start + row])[turn[chosen]], thumbnails[numbers])
                firsts = np.full(len(numbers), start + row)
                found.append(np.column_stack([firsts, numbers, values])[values > threshold])
    pairs = np.concatenate(found)
    pairs = pairs[np.lexsort((-pairs[:, 2], pairs[:, 1], pairs[:, 0]))]
    return pairs[np.unique(pairs[:, :2], axis=0, return_index=True)[1]]  # the best turn of each pair


def _passed(rows: np.ndarray, others: np.ndarray, limit: np.float32) -> np.ndarray:
    """Return which rows' dot products with others are above a limit (bool), by tiles."""
    passed = np.empty((len(rows), len(others)), dtype=bool)
    for column in range(0, len(others), _COLUMNS):
        part = slice(column, column + _COLUMNS)
        np.greater(rows @ others[part].T, limit, out=passed[:, part])
    return passed


def _orientations(thumbnail: np.ndarray) -> np.ndarray:
    """Return a thumbnail (H x H x 3) under the 8 symmetries of the square, in their order."""
    return np.concatenate([turned(thumbnail[None], turn) for turn in range(TURNS)])


def _turned_signatures(signatures: np.ndarray) -> np.ndarray:
    """Return signatures (float32 N x 193) of the thumbnails under the 8 symmetries, 8 x N x 193."""
    blocks = signatures[:, :-1].reshape(len(signatures), 32 // _BLOCK, 32 // _BLOCK, 3)
    turns = [turned(blocks, turn).reshape(len(signatures), -1) for turn in range(TURNS)]
    return np.stack([np.column_stack([turn, signatures[:, -1]]) for turn in turns])
