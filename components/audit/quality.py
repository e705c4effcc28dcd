"""The quality of one class's synthetic images beside its floor, real against real."""

from collections.abc import Iterable

import numpy as np

from components.audit.fid import fid
from components.audit.kid import kid
from components.audit.neighbours import density_coverage, precision_recall

SPLITS = 4


def quality(real: np.ndarray, groups: np.ndarray, synthetic: np.ndarray, seed: int) -> dict:
    """Compare features of real images, float64 [n, d], with those of synthetic ones, float64 [m, d].

    The real images are cut at random into a reference and a rest of the same size, no group (str [n]) on both
    sides but for the one at the cut. The synthetic images, and the rest for the floor, are compared with the
    reference, all three of one size: min(n // 2, m). A perfect generator thus reaches the floor. Every figure is
    the mean over four such cuts. Returns kid, kid_std, fid, precision, recall, density, coverage, `floor` with the
    same keys, and the sizes compared, `real_images` and `synthetic_images`.
    """
    size = min(len(real) // 2, len(synthetic))
    rng = np.random.default_rng(seed)
    found, floor = [], []
    for split in range(SPLITS):
        order = _shuffled_by_group(groups, rng)
        reference, rest = real[order[:size]], real[order[-size:]]
        found.append(_figures(reference, synthetic[:size], seed + split))
        floor.append(_figures(reference, rest, seed + split))
    return {**_mean(found), "floor": _mean(floor), "real_images": size, "synthetic_images": size}


def _figures(reference: np.ndarray, other: np.ndarray, seed: int) -> dict[str, float]:
    distance, deviation = kid(reference, other, seed)
    precision, recall = precision_recall(reference, other)
    density, coverage = density_coverage(reference, other)
    return {
        "kid": distance,
        "kid_std": deviation,
        "fid": fid(reference, other),
        "precision": precision,
        "recall": recall,
        "density": density,
        "coverage": coverage,
    }


def _shuffled_by_group(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return all row numbers in random order, the rows of each group beside one another."""
    _, numbers = np.unique(groups, return_inverse=True)
    return np.argsort(rng.permutation(numbers.max() + 1)[numbers], kind="stable")


def _mean(figures: Iterable[dict[str, float]]) -> dict[str, float]:
    rows = list(figures)
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
