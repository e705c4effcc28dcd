"""What was drawn independently behind the replicates of an arm: trainings, and the generators that they lie within."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEWEST_GENERATORS = 3  # below that, nothing is said about other generators


@dataclass(frozen=True)
class Draws:
    """What was drawn independently behind the replicates of an arm.

    `contrast` and `within` (float64, R x K) turn the replicates' scores x (R) into deviations whose squares add up to
    the unbiased variance of their mean: that of all units, |x' contrast|^2, with `freedom` degrees of freedom, and that
    of the trainings alone. `generators` is their number, 0 for an arm without any. `recipe` says whether the mean
    speaks of other generators, or there are none: not where they are too few. `folds` is the number of test folds.
    """

    contrast: np.ndarray
    within: np.ndarray
    freedom: int
    generators: int
    recipe: bool
    folds: int

    @classmethod
    def of(cls, generators: Sequence[str], folds: Sequence[int] | None = None) -> "Draws":
        """Take the generator of each replicate (R names; "" for an arm without synthetic images), and its test fold.

        Each fold has generators of its own, and as many trainings as the others. Trainings vary about the mean of their
        generator and generators about that of their fold, never folds about each other: what is pooled over the folds
        is the variance within them. A fold takes one degree of freedom from its generators, so that two a fold are
        enough from two folds on.
        """
        count = len(generators)
        places, fold = np.unique(np.zeros(count) if folds is None else folds, return_inverse=True)
        _, member = np.unique([f"{k} {name}" for k, name in zip(fold, generators, strict=True)], return_inverse=True)
        belongs, inside = np.eye(member.max() + 1)[member], np.eye(len(places))[fold]
        number = belongs.shape[1]
        made = 0 if set(generators) == {""} else number
        left, freedom = count - number, number - len(places)
        mean_of_generator = belongs / belongs.sum(axis=0) @ belongs.T
        within = (np.eye(count) - mean_of_generator) / count * np.sqrt(count / max(left, 1))
        if freedom < FEWEST_GENERATORS - 1:
            return cls(within, within, left, made, not made, len(places))
        mean_of_fold = inside / inside.sum(axis=0) @ inside.T
        between = (np.eye(count) - mean_of_fold) @ belongs / count
        return cls(between * np.sqrt(number / freedom), within, freedom, made, True, len(places))
