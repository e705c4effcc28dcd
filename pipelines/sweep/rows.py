"""The arms of a sweep: what a finished run left of them, and each beside the real of its own run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.compare.comparison import ComparedArm, compare_arms
from components.compare.evaluations import Evaluation
from components.compare.statistics.rule import SENSITIVITY, Judgement, Rule
from components.compare.statistics.variance import Estimate
from components.contracts.imageset import ImageSet
from pipelines.sweep.plan import PlannedRun, Sweep

METRICS = (
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "auc",
    "sensitivity_at_specificity",
    SENSITIVITY,
)


@dataclass(frozen=True)
class RunResult:
    """What a finished run left: its verdict, and the evaluations of its arms on its test set and external ones."""

    run: PlannedRun
    verdict: dict[str, Any]
    test: ImageSet
    external: ImageSet
    evaluations: list[Evaluation]

    @property
    def real(self) -> Evaluation:
        """The evaluation of the arm that all others are compared with."""
        return next(evaluation for evaluation in self.evaluations if evaluation.arm == "real")


@dataclass(frozen=True)
class Row:
    """One arm of one run; `differences`, to the real of its run, are empty for real itself."""

    run: PlannedRun
    evaluation: Evaluation
    levels: dict[str, Estimate]
    differences: dict[str, Estimate]


def compare_all(results: Sequence[RunResult], rule: Rule) -> tuple[list[Row], dict[int, dict[str, Any]]]:
    """Return a row for each arm, `real` once a point; and of each point whether the reals of its runs are one.

    That is {"real_identical": whether their probabilities agree to the bit, "real_differs_by": the largest difference
    of a mean score between two of them, 0..1}.
    """
    rows: list[Row] = []
    seen: dict[int, list[ComparedArm]] = {}
    for result in results:
        positive = result.test.classes.index(result.verdict["data_set"]["positive_class"])
        reals = seen.setdefault(result.run.point, [])
        compared = compare_arms(result.evaluations, result.test, positive, rule, METRICS)
        real = next(each for each in compared if not each.differences)
        rows += [
            Row(result.run, each.evaluation, each.levels, each.differences)
            for each in compared
            if each is not real or not reals
        ]
        reals.append(real)
    return rows, {point: _agreement(reals) for point, reals in seen.items()}


def full_name(arm: dict[str, Any]) -> str:
    """Return the name of an arm with its point of the grid."""
    return f"{arm['arm']} at {arm['point']}" if arm["point"] else arm["arm"]


def entry(row: Row, sweep: Sweep, judgement: Judgement | None, rule: Rule) -> dict[str, Any]:
    """Return what sweep.json says of an arm; `judgement` is None for real."""
    evaluation = row.evaluation
    return {
        "point": sweep.points[row.run.point].label,
        "arm": evaluation.arm,
        "run": row.run.name,
        "synthetic_images": float(np.mean(list(evaluation.synthetic_per_class.values()))),
        "synthetic_per_class": evaluation.synthetic_per_class,
        "training_images": evaluation.training_images,
        "classifier": evaluation.classifier,
        "replicates": len(evaluation.probabilities),
        "mean": {name: level.value for name, level in row.levels.items()},
        "intervals": {name: list(level.interval_within(rule.confidence)) for name, level in row.levels.items()},
        "against_real": _against_real(row.differences, judgement, rule) if judgement else None,
    }


def _agreement(reals: Sequence[ComparedArm]) -> dict[str, Any]:
    first, *others = reals
    gaps = [abs(first.levels[name].value - other.levels[name].value) for other in others for name in METRICS]
    probabilities = first.evaluation.probabilities
    return {
        "real_identical": all(np.array_equal(probabilities, other.evaluation.probabilities) for other in others),
        "real_differs_by": max(gaps, default=0.0),
    }


def _against_real(differences: dict[str, Estimate], judgement: Judgement, rule: Rule) -> dict[str, Any]:
    return {
        "differences": {
            name: {"estimate": difference.value, "interval": list(difference.interval(rule.confidence))}
            for name, difference in differences.items()
        },
        "adjusted": {
            "endpoint": list(judgement.endpoint),
            "sensitivity": list(judgement.sensitivity),
            "confidence": judgement.confidence,
        },
        "p_value": judgement.p_value,
        "p_holm": judgement.p_holm,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "ruled_out": judgement.ruled_out,
        "scope": "recipe" if differences[rule.endpoint].recipe else "pictures",
        "test_images_needed": judgement.test_images_needed,
    }
