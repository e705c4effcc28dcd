"""How two sets of features cover one another: precision and recall, density and coverage.

Each draws a ball around every feature that reaches its k-th nearest neighbour in the same set. The balls of the
real features stand for what is real, those of the synthetic ones for what is synthesised.
"""

import numpy as np

CHUNK_VALUES = 4_000_000
ROUNDING = 1e-12  # of squared lengths: products of thousands of values in float64 stay well below
PRECISION_NEIGHBOURS = 3
DENSITY_NEIGHBOURS = 5


def precision_recall(real: np.ndarray, synthetic: np.ndarray) -> tuple[float, float]:
    """Return the share of synthetic features that look real, and of real ones that are within reach; 0..1.

    Kynkäänniemi et al. 2019 (Improved precision and recall metric for assessing generative models), eqs. 1 and 2,
    with k = 3 (section 3). Features are float64 [n, d] and [m, d] with n, m > 3.
    """
    _, real_balls = _inside(real, synthetic, PRECISION_NEIGHBOURS)
    _, synthetic_balls = _inside(synthetic, real, PRECISION_NEIGHBOURS)
    return float((real_balls > 0).mean()), float((synthetic_balls > 0).mean())


def density_coverage(real: np.ndarray, synthetic: np.ndarray) -> tuple[float, float]:
    """Return how densely synthetic features lie where real ones do (about 1 is ideal), and the share of real ones met.

    Naeem et al. 2020 (Reliable fidelity and diversity metrics for generative models), eqs. 3 and 4, with k = 5
    (section 4.2): unlike precision and recall they hardly heed single outliers. Features are float64 [n, d] and
    [m, d] with n, m > 5.
    """
    points_inside, balls_around = _inside(real, synthetic, DENSITY_NEIGHBOURS)
    return float(balls_around.mean() / DENSITY_NEIGHBOURS), float((points_inside > 0).mean())


def _inside(centres: np.ndarray, points: np.ndarray, neighbours: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how many points each centre's ball holds, and in how many balls each point lies (int64).

    Where a distance and a radius differ by no more than rounding, the point lies inside: identical features do, with
    any processor's order of summation.
    """
    held = np.zeros(len(centres), np.int64)
    around = np.zeros(len(points), np.int64)
    step = max(1, CHUNK_VALUES // max(len(centres), len(points)))
    for start in range(0, len(centres), step):
        part = centres[start : start + step]
        own, _ = _squared_distances(part, centres)
        radii = np.partition(own, neighbours, axis=1)[:, neighbours]  # the smallest is a feature to itself
        squared, rounding = _squared_distances(part, points)
        inside = squared <= radii[:, None] + rounding
        held[start : start + step] = inside.sum(1)
        around += inside.sum(0)
    return held, around


def _squared_distances(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the squared distances of features, float64 [n, m], and how much of them may be rounding."""
    lengths = np.square(first).sum(1)[:, None] + np.square(second).sum(1)
    return lengths - 2 * (first @ second.T), ROUNDING * lengths
