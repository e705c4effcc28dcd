"""The test folds of a test set, each measured by the replicates that have not learnt from it, and their mean.

A score is taken fold by fold and averaged, never over the probabilities of all folds together: those of models that
were trained apart are on no common scale, which would count against AUC and every threshold. The mean speaks of these
training sets, one a fold: of how good the models that they give are on other images (Bayle, Bayle, Janson, Mackey 2020,
Cross-validation confidence intervals for test error, NeurIPS 33). The training sets share most of their images, so how
other ones would have differed can't be read off how these do, and no interval claims it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.compare.evaluations import Evaluation
from components.compare.statistics.draws import Draws
from components.compare.statistics.influence import operating_specificity
from components.compare.statistics.variance import Clusters, Sample, measure, pooled
from components.contracts.imageset import ImageSet


@dataclass(frozen=True)
class Fold:
    """One test fold: its rows of the test set (int64), their labels (int64) and independent groups."""

    rows: np.ndarray
    labels: np.ndarray
    clusters: Clusters


def folds_of(test: ImageSet, chosen: np.ndarray | None = None, kinds: np.ndarray | None = None) -> list[Fold]:
    """Return the folds of a test set: one, unless several were pooled.

    `chosen` (bool, N) takes some of the images; `kinds` (int, N) stand for the labels where groups are told apart by
    the classes that they hold. Some of a fold's images must be chosen.
    """
    chosen = np.ones(len(test), dtype=bool) if chosen is None else chosen
    kinds = test.labels if kinds is None else kinds
    rows = [np.flatnonzero(chosen & (test.folds == fold)) for fold in np.unique(test.folds)]
    return [Fold(own, test.labels[own], Clusters.of(kinds[own], test.groups[own])) for own in rows]


def fewest(folds: Sequence[Fold]) -> int:
    """Return the number of independent images of the rarest class, in all folds together."""
    return sum(fold.clusters.fewest for fold in folds)


def operating_specificities(real: Evaluation, folds: Sequence[Fold], positive: int) -> list[float]:
    """Return the mean specificity that `real` has in each fold with the thresholds of its validation rows."""
    return [
        operating_specificity(
            real.probabilities[:, fold.rows], fold.labels == positive, positive, real.thresholds_in(number)
        )
        for number, fold in enumerate(folds)
    ]


def measure_folds(
    evaluation: Evaluation,
    folds: Sequence[Fold],
    positive: int,
    metrics: Sequence[str],
    specificities: Sequence[Mapping[str, float]] = (),
) -> dict[str, Sample]:
    """Return the sample of each score's mean over the folds; `specificities` are those of `measure`, one a fold.

    An external test set is one, `folds` or not, that the trainings of all folds see: what its images bring is common to
    them and does not average away over the folds; what trainings and generators bring varies within each fold.
    """
    generators = [replicate["generator"] for replicate in evaluation.replicates]
    draws = Draws.of(generators, evaluation.trained_for)
    found = [
        measure(
            evaluation.probabilities[:, fold.rows],
            fold.labels,
            positive,
            fold.clusters,
            draws,
            metrics,
            evaluation.thresholds_in(k),
            specificities[k] if specificities else None,
        )
        for k, fold in enumerate(folds)
    ]
    return {name: pooled([each[name] for each in found], draws) for name in metrics}


def said_of(folds: int) -> str:
    """Return what the rule says in addition where so many test folds were pooled; "" for a single test set."""
    if folds == 1:
        return ""
    return (
        f"Every image was tested once, in {folds} folds, by models that learnt from the other folds alone; scores are "
        "means over the folds. Intervals cover other test images, trainings and, as said, generators within each fold. "
        f"They speak of these {folds} training sets, which share most of their images, not of how other ones would "
        "differ."
    )
