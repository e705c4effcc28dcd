"""Which amount of synthetic images is best? A smooth curve over all amounts, not the largest of noisy points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from components.compare.statistics.variance import Sample

FEWEST_AMOUNTS = 4
_GRID = 201


@dataclass(frozen=True)
class BestAmount:
    """The best amount (synthetic images a class) with its interval.

    `told` is whether amounts differ at all, and one that was tried lies outside the interval: of a level curve the
    highest point is anywhere, and its interval alone would often leave an amount out.
    """

    estimate: float
    interval: tuple[float, float]
    told: bool


def joint_covariance(samples: Sequence[Sample]) -> np.ndarray:
    """Return the covariance (float64, K x K) of the means of K arms that share their test images.

    Images bring covariances; an arm's own units, with their interaction with the images, its variance alone.
    """
    means = np.stack([sample.parts.mean(axis=0) for sample in samples])
    covariance = means @ means.T
    for k, sample in enumerate(samples):
        own = np.sum((sample.values @ sample.draws.contrast) ** 2)
        shared = np.sum((sample.draws.contrast.T @ sample.parts) ** 2)
        covariance[k, k] += max(0.0, float(own - shared))
    return covariance


def joint_draws(samples: Sequence[Sample], resamples: int, seed: int) -> np.ndarray | None:
    """Return the means of K arms, and below them `resamples` draws of what they might be (float64, (1 + B) x K).

    Draws are of Student's t, with the degrees of freedom of the arm that has fewest and the covariance of
    `joint_covariance`. None where nothing is known of how much trainings vary.
    """
    freedom = min((sample.draws.freedom for sample in samples), default=0)
    if freedom < 1:
        return None
    rng = np.random.default_rng(seed)
    means = np.array([sample.values.mean() for sample in samples])
    zeros = np.zeros(len(means))
    normal = rng.multivariate_normal(zeros, joint_covariance(samples), resamples, method="eigh")
    drawn = means + normal / np.sqrt(rng.chisquare(freedom, (resamples, 1)) / freedom)
    return np.vstack([means, drawn])


def best_amount(
    amounts: Sequence[float], samples: Sequence[Sample], confidence: float, resamples: int, seed: int
) -> BestAmount | None:
    """Return where a parabola over the logarithm of the amount is highest, between the smallest and the largest.

    The curve is fitted anew to each of `resamples` draws of all means together (`joint_draws`). None below four
    amounts, or where nothing is known of how much trainings vary.
    """
    drawn = joint_draws(samples, resamples, seed) if len(set(amounts)) >= FEWEST_AMOUNTS else None
    if drawn is None:
        return None
    freedom = min(sample.draws.freedom for sample in samples)
    means, covariance = drawn[0], joint_covariance(samples)
    x = np.log(amounts)
    grid = np.linspace(x.min(), x.max(), _GRID)
    fit = np.vander(grid, 3) @ np.linalg.pinv(np.vander(x, 3))
    best = np.exp(grid[(drawn @ fit.T).argmax(axis=1)])
    tail = (1 - confidence) / 2
    low, high = np.quantile(best[1:], [tail, 1 - tail])
    outside = any(not low * 0.999 <= amount <= high * 1.001 for amount in amounts)
    told = outside and _bends(np.linalg.pinv(np.vander(x, 3))[:2], means, covariance, freedom) < 1 - confidence
    return BestAmount(float(best[0]), (float(low), float(high)), told)


def _bends(contrast: np.ndarray, means: np.ndarray, covariance: np.ndarray, freedom: int) -> float:
    """Return the p-value of a level curve: Wald's test of slope and curvature (`contrast`, 2 x K), as an F."""
    found = contrast @ means
    spread = contrast @ covariance @ contrast.T
    statistic = float(found @ np.linalg.pinv(spread) @ found) / len(found)
    return float(special.fdtrc(len(found), freedom, statistic))
