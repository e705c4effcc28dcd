"""Every arm's scores on the test set, and its differences to `real`, each with what is known of its variance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from components.compare.evaluations import Evaluation
from components.compare.folds import fewest, folds_of, measure_folds, operating_specificities
from components.compare.statistics.influence import OPERATING
from components.compare.statistics.rule import SENSITIVITY, Rule
from components.compare.statistics.variance import Estimate, Sample, estimate
from components.contracts.imageset import ImageSet
from components.contracts.metrics import METRICS


@dataclass(frozen=True)
class ComparedArm:
    """One arm: the estimate of each score, and of its difference to `real` (empty for `real`).

    `endpoint` is the sample of the score that the verdict is about, for what is drawn over all arms together.
    """

    evaluation: Evaluation
    levels: dict[str, Estimate]
    differences: dict[str, Estimate]
    endpoint: Sample


def scored_by(classes: int) -> tuple[str, ...]:
    """Return the names of all scores of a test set with this number of classes, the operating point's last."""
    more = ("macro_auc",) if classes > 2 else ()
    return (*METRICS, *more, "sensitivity_at_specificity", SENSITIVITY, *OPERATING)


def compare_arms(
    evaluations: Sequence[Evaluation],
    test: ImageSet,
    positive: int,
    rule: Rule,
    metrics: Sequence[str],
    done: Callable[[int], None] = lambda number: None,
) -> list[ComparedArm]:
    """Measure all arms on the test set and take their differences to `real`, which is among them.

    `done` hears how many arms are measured. An arm's samples are let go before the next one's are made.
    """
    folds = folds_of(test)
    first = next(evaluation for evaluation in evaluations if evaluation.arm == "real")
    at = [
        {"sensitivity_at_specificity": rule.endpoint_specificity, SENSITIVITY: operating}
        for operating in operating_specificities(first, folds, positive)
    ]

    def samples(evaluation: Evaluation) -> dict[str, Sample]:
        return measure_folds(evaluation, folds, positive, metrics, at)

    independent = fewest(folds)
    real, found = samples(first), []
    for number, evaluation in enumerate(evaluations, start=1):
        own = real if evaluation is first else samples(evaluation)
        levels = {name: estimate(sample, independent) for name, sample in own.items()}
        differences = {name: estimate(sample, independent, real[name]) for name, sample in own.items()}
        found.append(ComparedArm(evaluation, levels, {} if evaluation is first else differences, own[rule.endpoint]))
        done(number)
    return found


def spread(difference: Estimate) -> dict[str, float]:
    """Return the standard deviations that images, trainings and generators each bring to a difference."""
    trainings = max(0.0, difference.lasting_variance - difference.generator_variance)
    return {
        "images": float(np.sqrt(difference.shrinking_variance)),
        "trainings": float(np.sqrt(trainings)),
        "generators": float(np.sqrt(difference.generator_variance)),
    }
