"""How many real images are synthetic ones worth? Read off the learning curve of real data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.compare.statistics.amounts import joint_draws
from components.compare.statistics.variance import Sample

FEWEST_POINTS = 3
MOST_TIMES = 10  # the curve is not followed beyond ten times the real images, nor below a tenth of them


@dataclass(frozen=True)
class Worth:
    """What an arm's synthetic images did, in real images a class beyond those that it has.

    An end of `interval` is None where the learning curve does not bound it: within ten times the real images it never
    gets there, or it can't be told from a level line.
    """

    estimate: float | None
    interval: tuple[float | None, float | None]


def real_worth(
    real_images: Sequence[float],
    curve: Sequence[Sample],
    arms: Sequence[Sample],
    confidence: float,
    resamples: int,
    seed: int,
) -> list[Worth] | None:
    """Return for each of `arms` what it is worth; None below three points of the curve or without known variance.

    `real_images` (a class) belong to the arms of `curve`, the largest being what all of `arms` learn from as well. A
    line over the logarithm of the number is fitted anew to each of `resamples` draws of all means together.
    """
    if len(set(real_images)) < FEWEST_POINTS:
        return None
    drawn = joint_draws([*curve, *arms], resamples, seed)
    if drawn is None:
        return None
    x, full = np.log(real_images), float(max(real_images))
    slope, level = np.linalg.pinv(np.vander(x, 2)) @ drawn[:, : len(curve)].T
    tail = (1 - confidence) / 2
    found = []
    for means in drawn[:, len(curve) :].T:
        with np.errstate(divide="ignore", invalid="ignore"):
            reached = np.where(slope > 0, (means - level) / slope, np.sign(means - level) * np.inf)
        worth = np.exp(np.clip(reached, np.log(full / MOST_TIMES), np.log(full * MOST_TIMES))) - full
        ends = np.quantile(worth[1:], [tail, 1 - tail])
        low, high = (None if _at_the_edge(end, full) else float(end) for end in ends)
        found.append(Worth(None if _at_the_edge(worth[0], full) else float(worth[0]), (low, high)))
    return found


def _at_the_edge(worth: float, full: float) -> bool:
    return not full / MOST_TIMES * 1.001 < worth + full < full * MOST_TIMES * 0.999
