"""Features in fewer numbers: standardised, then along their principal axes.

A frozen network's thousands of features hang together. The directions of least variance, which a penalised head
hardly uses, are left out, and along principal axes the problem of a head is nearly one of single numbers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

MOST_AXES = 384
OVERSAMPLED = 64
CHUNK = 1024
_LEAST_DEVIATION = 1e-3  # features that hardly vary aren't blown up

# Gives the features, float32 [n, V, D], of a slice of the rows.
Reader = Callable[[slice], np.ndarray]


@dataclass(frozen=True)
class Axes:
    """The way from D features to k coordinates: (x - mean) @ directions, float32 [D] and [D, k].

    `variances` (float64 [k], falling) are those of the coordinates, which are uncorrelated and have a mean of 0 over
    the weighted rows they were found from.
    """

    mean: np.ndarray
    directions: np.ndarray
    variances: np.ndarray

    def project(self, features: np.ndarray) -> np.ndarray:
        """Return the coordinates, float32 [..., k], of features, float32 [..., D]."""
        return (features - self.mean) @ self.directions

    def back(self, heads: np.ndarray) -> np.ndarray:
        """Return heads on the features, float32 [R, D + 1, K], of heads on the coordinates, [R, k + 1, K]."""
        weights = np.einsum("dk,rko->rdo", self.directions, heads[:, :-1], optimize=True)
        bias = heads[:, -1:] - np.einsum("d,rdo->ro", self.mean, weights)[:, None]
        return np.concatenate([weights, bias], axis=1).astype(np.float32)


def find_axes(read: Reader, weights: np.ndarray, seed: int) -> tuple[Axes, np.ndarray]:
    """Return the principal axes of rows that `weights` (float [M], summing to 1) count, and the rows' coordinates.

    At most 384; the coordinates are float32 [M, V, k]. The space is found at random (Halko et al. 2011, Finding
    structure with randomness, algorithm 4.4, one power iteration, on the first view), the axes in it exactly (on all
    views). Rows are read a chunk at a time, four times.
    """
    count = len(weights)
    first = read(slice(0, 1))
    size, views = first.shape[2], first.shape[1]
    total, squares = np.zeros(size), np.zeros(size)
    for part, features in _chunks(read, count):
        share = weights[part] / views
        total += np.einsum("n,nvd->d", share, features, optimize=True)
        squares += np.einsum("n,nvd->d", share, np.square(features, dtype=np.float32), optimize=True)
    deviation = np.sqrt(np.maximum(squares - total**2, 0))
    scale = (1 / np.maximum(deviation, _LEAST_DEVIATION)).astype(np.float32)
    mean = total.astype(np.float32)

    wanted = min(MOST_AXES, count - 1, size)
    width = min(wanted + OVERSAMPLED, count, size)
    basis = np.random.default_rng(seed).standard_normal((size, width)).astype(np.float32)
    for _ in range(2):
        grown = np.zeros_like(basis)
        for part, features in _chunks(read, count):
            standard = (features[:, 0] - mean) * scale
            grown += standard.T @ (weights[part, None].astype(np.float32) * (standard @ basis))
        basis = np.linalg.qr(grown)[0]

    rough = np.empty((count, views, width), np.float32)
    for part, features in _chunks(read, count):
        rough[part] = ((features - mean) * scale) @ basis
    flat, share = rough.reshape(-1, width), np.repeat(weights / views, views).astype(np.float32)
    variances, turn = np.linalg.eigh((flat.T @ (share[:, None] * flat)).astype(np.float64))
    chosen = np.argsort(-variances)[:wanted]
    turn = turn[:, chosen].astype(np.float32)
    directions = (basis @ turn) * scale[:, None]
    return Axes(mean, directions, np.maximum(variances[chosen], 0)), rough @ turn


def _chunks(read: Reader, count: int) -> Iterator[tuple[slice, np.ndarray]]:
    for start in range(0, count, CHUNK):
        part = slice(start, min(start + CHUNK, count))
        yield part, read(part)
