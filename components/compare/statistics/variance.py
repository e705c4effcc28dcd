"""How sure is a mean over replicates? Three things vary: test images, trainings, and generators.

Other test images, other trainings of the same recipe, and other generators of the same kind would have given other
numbers. Trainings lie within generators; both are crossed with the images, as every replicate sees every test image:

    score of replicate r, generator g  =  mean + images + generator g + training r + (images x generator) + (images x r)

A generator is a random draw where an arm has three or more of them: then the mean over the replicates varies as its
generators' means do, and the interval speaks of the recipe. With one or two the generators are taken as they are, and
the interval speaks of these pictures: the mean varies as the trainings do within them. Either way the units (generators
or trainings) give a variance that holds their own share and that of their interaction with the images,

    V_units = B + AB,    an analysis of variance (Searle, Casella, McCulloch 1992, Variance Components, chapter 4),

with one degree of freedom less than there are units. The images give V_images = A + AB from the influences of each
independent group of images (`influence`), with AB seen in how these influences differ between the units. The total is

    V = A + B + AB = (V_images - AB) + V_units    (two-way clustering: Cameron, Gelbach, Miller 2011, J. Business &
                                                   Economic Statistics 29(2), eq. 2.11), the first term not below 0.

Small samples. The half-widths of images and units add in squares, each with its own quantile of Student's t:

    half-width^2 = (V_images - AB) t_images^2 + V_units t_units^2,

which errs on the safe side for any ratio of the two (Cochran 1964, Biometrics 20(1)), where one t with Satterthwaite's
degrees of freedom for the sum finds too much with few replicates: an estimate from two degrees of freedom that is
small by chance shrinks the interval twice. The trainings of an arm and those of real are as many: their variances add
up first, with Welch's degrees of freedom (1947, Biometrika 34). Generators, which are fewer, keep a quantile of their
own. A variance that few images carry (a rare class, a classifier that is nearly
always right) has the degrees of freedom of as many images as would carry it equally, (sum u^2)^2 / sum u^4 with the
influences u (Kish's effective number).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize, special

from components.compare.statistics.draws import Draws
from components.compare.statistics.influence import (
    AT_SPECIFICITY,
    OPERATING,
    influences,
    operating_scores,
    sensitivity_at_specificity,
)
from components.contracts.metrics import METRICS, scores

_SMALLEST_TAIL = 1e-15


@dataclass(frozen=True)
class Clusters:
    """The independent groups of a test set: `of_image` (int, N) numbers them, `strata` (int, G) those of one kind.

    Groups that hold the same classes are of one kind: a stratum. `fewest` is the number of groups of the rarest class.
    """

    of_image: np.ndarray
    strata: np.ndarray
    fewest: int

    @classmethod
    def of(cls, labels: np.ndarray, groups: np.ndarray) -> "Clusters":
        """Take the groups of images (any dtype, N) with their labels (int, N)."""
        _, of_image = np.unique(groups, return_inverse=True)
        holds = np.zeros((of_image.max() + 1, labels.max() + 1), dtype=bool)
        holds[of_image, labels] = True
        _, strata, counts = np.unique(holds, axis=0, return_inverse=True, return_counts=True)
        strata = np.where(counts[strata] > 1, strata, -1)  # what is the only one of its kind joins the others
        present = holds.sum(axis=0)
        return cls(of_image, strata.ravel(), int(present[present > 0].min()))

    def parts(self, influence: np.ndarray) -> np.ndarray:
        """Sum influences (float, R x N) over each group, so that squares add up to a variance (float64, R x G).

        Groups vary about the mean of their stratum, which takes one degree of freedom from it.
        """
        order = np.argsort(self.of_image, kind="stable")
        starts = np.searchsorted(self.of_image[order], np.arange(len(self.strata)))
        found = np.add.reduceat(influence[:, order], starts, axis=1)
        for stratum in np.unique(self.strata):
            members = self.strata == stratum
            count = int(members.sum())
            if count > 1:
                inside = found[:, members]
                found[:, members] = (inside - inside.mean(axis=1, keepdims=True)) * np.sqrt(count / (count - 1))
        return found


@dataclass(frozen=True)
class Sample:
    """One score of one arm: `values` (float64, R), and `parts` (float64, R x G) that each group of images has in it."""

    values: np.ndarray
    parts: np.ndarray
    draws: Draws


@dataclass(frozen=True)
class Estimate:
    """A mean score, or the difference of two, with what is known of its variance, in squared units of the score.

    `image_variance` is A with `effective_images` degrees of freedom. `units` holds variances B + AB of generators or
    trainings, each with its degrees of freedom, and is empty where nothing is known of them. `interaction` is AB,
    `training_variance` that share of the units' which the trainings alone would have. `groups` is the number of
    independent images in the smallest class; `replicates` that of trainings, of several test folds as many as would say
    as much in one; `recipe` whether the interval covers other generators, or there are none.
    """

    value: float
    image_variance: float
    effective_images: float
    units: tuple[tuple[float, float], ...]
    interaction: float
    training_variance: float
    groups: int
    replicates: int
    recipe: bool

    @property
    def unit_variance(self) -> float:
        """B + AB of all units."""
        return sum(variance for variance, _ in self.units)

    @property
    def variance(self) -> float:
        """The whole variance: A + B + AB."""
        return self.image_variance + self.unit_variance

    @property
    def lasting_variance(self) -> float:
        """B: what stays however many test images there are."""
        return max(0.0, self.unit_variance - self.interaction)

    @property
    def shrinking_variance(self) -> float:
        """A + AB: what falls in proportion to the number of test images."""
        return self.variance - self.lasting_variance

    @property
    def generator_variance(self) -> float:
        """What other generators add beyond other trainings."""
        return max(0.0, self.unit_variance - self.training_variance) if self.recipe else 0.0

    def half_width(self, tail: float) -> float:
        """Return the distance from `value` beyond which lies the share `tail` on one side.

        Where neither images nor units show any variance, it is what all images could have missed (the rule of three:
        Hanley, Lippman-Hand 1983, JAMA 249(13)).
        """
        if self.variance == 0:
            return float(-np.log(tail) / self.groups)
        squared = 0.0
        if self.image_variance > 0:
            squared += self.image_variance * special.stdtrit(self.effective_images, tail) ** 2
        for variance, freedom in self.units:
            squared += variance * special.stdtrit(freedom, tail) ** 2
        return float(np.sqrt(squared))

    def interval(self, confidence: float, top: float = 1.0) -> tuple[float, float]:
        """Return the two-sided interval of the difference of two scores that lie in 0..`top`."""
        half = self.half_width((1 - confidence) / 2)
        return max(-top, self.value - half), min(top, self.value + half)

    def interval_within(self, confidence: float, top: float = 1.0) -> tuple[float, float]:
        """Return the two-sided interval of a score that lies in 0..`top`, symmetric on the logit scale."""
        half = self.half_width((1 - confidence) / 2)
        share = self.value / top
        if not 0 < share < 1:
            return max(0.0, self.value - half), min(top, self.value + half)
        logit, step = np.log(share / (1 - share)), half / top / (share * (1 - share))
        low, high = top / (1 + np.exp(-np.clip([logit - step, logit + step], -700, 700)))
        return float(low), float(high)

    def p_value(self) -> float:
        """Return the two-sided p-value of no difference: 1 - the confidence of the interval that just ends at 0."""

        def overlap(tail: float) -> float:
            return self.half_width(tail) - abs(self.value)

        if overlap(0.5) >= 0:
            return 1.0
        if overlap(_SMALLEST_TAIL) <= 0:
            return 2 * _SMALLEST_TAIL
        return min(1.0, 2 * float(optimize.brentq(overlap, _SMALLEST_TAIL, 0.5, xtol=1e-16, rtol=1e-10)))


def measure(
    probabilities: np.ndarray,
    labels: np.ndarray,
    positive: int,
    clusters: Clusters,
    draws: Draws,
    wanted: Sequence[str] = METRICS,
    thresholds: Sequence[float] | None = None,
    specificities: Mapping[str, float] | None = None,
) -> dict[str, Sample]:
    """Return the wanted scores of one arm's replicates, each with the part that every group of images has in it.

    `probabilities` (float, R x N x C) are the arm's. Beside the metrics one may want `operating_sensitivity` and
    `operating_specificity` if `thresholds` (one a replicate) are given: an image is positive from that probability on;
    and `sensitivity_at_specificity` or `sensitivity_at_operating_point` if `specificities` says at which (0..1).
    """
    plain = [name for name in wanted if name not in (*OPERATING, *AT_SPECIFICITY)]
    is_positive = labels == positive
    cuts = [0.5] * len(probabilities) if thresholds is None else thresholds
    at = specificities or {}
    values = np.empty((len(wanted), len(probabilities)))
    found = np.empty((len(wanted), *probabilities.shape[:2]))
    for r, (predicted, cut) in enumerate(zip(probabilities, cuts, strict=True)):
        p = predicted[:, positive]
        row = {name: float(value[0]) for name, value in scores(predicted, labels, positive, None, plain).items()}
        row |= operating_scores(p, is_positive, cut)
        row |= {name: sensitivity_at_specificity(p, is_positive, of) for name, of in at.items()}
        for n, name in enumerate(wanted):
            values[n, r] = row[name]
            found[n, r] = influences(name, predicted, labels, positive, cut, at.get(name, 0.0))
    return {name: Sample(values[n], clusters.parts(found[n]), draws) for n, name in enumerate(wanted)}


def pooled(folds: Sequence[Sample], draws: Draws) -> Sample:
    """Return the sample of a score that is the mean over test folds, from each fold's own; `draws` are of them all.

    The replicates of a fold have no part in the images of another. So the squares of parts and contrasts add up over
    the folds, as the variances of a mean of independent test sets do.
    """
    if len(folds) == 1:
        return folds[0]
    parts = linalg.block_diag(*(fold.parts for fold in folds))
    return Sample(np.concatenate([fold.values for fold in folds]), parts, draws)


def estimate(arm: Sample, groups: int, real: Sample | None = None) -> Estimate:
    """Return the mean of `arm` over its replicates, or its difference to that of `real` or another.

    `groups` is `Clusters.fewest`. Both samples are of the same test set.
    """
    value, parts = arm.values.mean(), arm.parts.mean(axis=0)
    sides = [arm]
    if real is not None:
        value, parts = value - real.values.mean(), parts - real.parts.mean(axis=0)
        sides.append(real)
    known = sides if all(side.draws.freedom > 0 for side in sides) else []
    units = [(float(np.sum((side.values @ side.draws.contrast) ** 2)), float(side.draws.freedom)) for side in known]
    if not any(side.draws.recipe and side.draws.generators for side in sides):
        units = _together(units)
    interaction = sum(float(np.sum((side.draws.contrast.T @ side.parts) ** 2)) for side in known)
    training = sum(float(np.sum((side.values @ side.draws.within) ** 2)) for side in known)
    squares = parts**2
    images = float(squares.sum())
    return Estimate(
        value=float(value),
        image_variance=max(0.0, images - interaction),
        effective_images=images**2 / float(np.sum(squares**2)) if images > 0 else 0.0,
        units=tuple(units),
        interaction=interaction,
        training_variance=training,
        groups=groups,
        replicates=min(len(side.values) - side.draws.folds + 1 for side in sides),
        recipe=all(side.draws.recipe for side in sides),
    )


def _together(units: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Add variances up, with Welch's degrees of freedom for their sum."""
    total = sum(variance for variance, _ in units)
    weights = sum(variance**2 / freedom for variance, freedom in units)
    return [(total, total**2 / weights if weights > 0 else units[0][1])] if units else []
