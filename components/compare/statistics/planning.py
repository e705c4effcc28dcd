"""Before a run: the smallest difference that it can show, from its sizes and a guess of what varies how much."""

import numpy as np
from scipy import special

from components.compare.statistics.draws import FEWEST_GENERATORS
from components.compare.statistics.rule import FEWEST_REPLICATES, POWER
from components.compare.statistics.variance import Estimate

# Standard deviations of a difference to `real` on 300 positive and 360 other images, in shares: of the images, of
# images x training, of one training, of one generator. The paper's network varies about as much when it learns from
# 2,637 of its images; with AUC the ranking alone counts, which varies less.
_GUESSES = {
    "balanced_accuracy": (0.0035, 0.0083, 0.011, 0.01),
    "auc": (0.0027, 0.0036, 0.0053, 0.005),
    "sensitivity_at_specificity": (0.008, 0.02, 0.015, 0.015),
}
_GUESSED_FOR = 1 / 300 + 1 / 360
_LEARNT_FROM = 2637
# Classifiers that learn from fewer images differ more from each other. Eleven runs on ISIC and phantoms, of 48 to 2,637
# images to learn from, went with this power of their number, and heads on fixed features varied about half as much.
# Both, and the range, were chosen by these runs; others may lie further off.
_POWER_OF_LEARNT = 0.25
_HEADS = 0.5
# What those runs could show lay mostly between half and twice the guess.
RANGE = 2.0


def smallest_difference(
    positives: int,
    others: int,
    replicates: int,
    generators: int,
    rivals: int,
    confidence: float,
    endpoint: str,
    learnt: int,
    heads: bool,
    folds: int = 1,
) -> float | None:
    """Return a guess of the difference (0..1) that is found with 80% power, by Holm's first step over `rivals` arms.

    `positives` and `others` are test images, `learnt` those to learn from, `generators` those of each synthetic arm, 1
    if there is no such arm; `heads` says that the classifier is a head on fixed features. Over several test
    `folds` there are so many replicates and generators in each, and the test images are those of all. None where the
    rule gives no verdict at all. It may well be `RANGE` times as much, or as little.
    """
    if folds * (replicates - 1) + 1 < FEWEST_REPLICATES or rivals < 1:
        return None
    generators = min(generators, replicates)  # each trains one classifier at least
    image, both, training, generator = _GUESSES[endpoint]
    more = (_LEARNT_FROM / max(learnt, 1)) ** _POWER_OF_LEARNT
    image *= more
    both, training, generator = (each * more * (_HEADS if heads else 1) for each in (both, training, generator))
    shrunk = (1 / max(positives, 1) + 1 / max(others, 1)) / _GUESSED_FOR
    interaction = both**2 * shrunk / replicates
    side = training**2 / replicates / folds + interaction
    if folds * (generators - 1) >= FEWEST_GENERATORS - 1:
        units: tuple[tuple[float, float], ...] = (
            (side + generator**2 / generators / folds, folds * (generators - 1.0)),
            (side, folds * (replicates - 1.0)),
        )
    else:
        left = replicates - max(generators, 1)
        if left < 1:
            return None
        units = ((2 * side, float(folds * (left + replicates - 1))),)
    few = float(min(positives, others))
    planned = Estimate(0, image**2 * shrunk, few, units, 2 * interaction, 2 * side, int(few), replicates, True)
    tail = (1 - confidence) / 2 / rivals
    return float(planned.half_width(tail) + special.ndtri(POWER) * np.sqrt(planned.variance))
