"""The entries of verdict.json about each arm, on the test set or on an external one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from statsmodels.stats.multitest import multipletests

from components.compare.comparison import ComparedArm, spread
from components.compare.evaluations import Evaluation
from components.compare.statistics.influence import OPERATING
from components.compare.statistics.rule import Judgement, Rule
from components.compare.statistics.single_model import calibration, exact_mcnemar, proportions, roc
from components.compare.statistics.variance import Estimate
from components.contracts.imageset import ImageSet


def arm_entries(
    compared: Sequence[ComparedArm], judgements: Mapping[str, Judgement], test: ImageSet, positive: int, rule: Rule
) -> list[dict[str, Any]]:
    """Return an entry an arm: its scores on these images, its differences to real, and what the rule says of them."""
    predictions = {each.evaluation.arm: each.evaluation.mean_prediction() for each in compared}
    tests = _mcnemar(predictions, test.labels, positive)
    entries = []
    for each in compared:
        name = each.evaluation.arm
        shown = [metric for metric in each.levels if metric not in OPERATING]
        entry = _arm(each.evaluation, each.levels, predictions[name], test, positive, rule, shown)
        against = None
        if each.differences:
            kept = {metric: each.differences[metric] for metric in shown}
            against = _against_real(kept, judgements[name], tests[name], test.classes, rule)
        entries.append(entry | {"against_real": against})
    return entries


def _mcnemar(predictions: dict[str, np.ndarray], labels: np.ndarray, positive: int) -> dict[str, dict[str, Any]]:
    found = {
        arm: exact_mcnemar(predictions["real"], prediction, labels, positive)
        for arm, prediction in predictions.items()
        if arm != "real"
    }
    if found:
        adjusted = multipletests([each["p_value"] for each in found.values()], method="holm")[1]
        for each, p in zip(found.values(), adjusted, strict=True):
            each["p_holm"] = float(p)
    return found


def _arm(
    evaluation: Evaluation,
    levels: dict[str, Estimate],
    prediction: np.ndarray,
    test: ImageSet,
    positive: int,
    rule: Rule,
    metrics: Sequence[str],
) -> dict[str, Any]:
    intervals = {
        name: _pair(e.interval_within(rule.confidence, _largest(name, test.classes))) for name, e in levels.items()
    }
    sensitivity, specificity = (levels[f"operating_{name}"].value for name in ("sensitivity", "specificity"))
    single = proportions(prediction, test.labels, positive, rule.confidence)
    missed = 1 - levels["sensitivity"].value
    return {
        "arm": evaluation.arm,
        "synthetic_per_class": evaluation.synthetic_per_class,
        "training_images": evaluation.training_images,
        "replicates": evaluation.replicates,
        "mean": {name: levels[name].value for name in metrics}
        | {"per_class": _mean_per_class(evaluation), "confusion_matrix": _mean_confusion(evaluation)},
        "intervals": {name: intervals[name] for name in metrics},
        "mean_prediction": {name: entry["value"] for name, entry in single.items()},
        "wilson": {name: entry["interval"] for name, entry in single.items()},
        "operating_point": {
            "target_sensitivity": rule.target_sensitivity,
            "thresholds": evaluation.thresholds,
            "sensitivity": sensitivity,
            "sensitivity_interval": intervals["operating_sensitivity"],
            "specificity": specificity,
            "specificity_interval": intervals["operating_specificity"],
        },
        "calibration": {"bins": calibration(prediction, test.labels, positive, rule.confidence)},
        "roc": roc(prediction, test.labels, positive),
        "missed": missed * int(np.sum(test.labels == positive)),
        "missed_per_1000": missed * 1000,
        "missed_per_1000_interval": [1000 * (1 - end) for end in reversed(intervals["sensitivity"])],
    }


def _largest(metric: str, classes: Sequence[str]) -> float:
    return 2.0 if metric == "brier" and len(classes) > 2 else 1.0


def _against_real(
    differences: dict[str, Estimate],
    judgement: Judgement,
    mcnemar: dict[str, Any],
    classes: Sequence[str],
    rule: Rule,
) -> dict[str, Any]:
    return {
        "differences": {
            name: {"estimate": e.value, "interval": _pair(e.interval(rule.confidence, _largest(name, classes)))}
            for name, e in differences.items()
        },
        "adjusted": {
            "endpoint": _pair(judgement.endpoint),
            "sensitivity": _pair(judgement.sensitivity),
            "confidence": judgement.confidence,
        },
        "p_value": judgement.p_value,
        "p_holm": judgement.p_holm,
        "mcnemar": mcnemar,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "ruled_out": judgement.ruled_out,
        "scope": "recipe" if differences[rule.endpoint].recipe else "pictures",
        "spread": spread(differences[rule.endpoint]),
        "test_images_needed": judgement.test_images_needed,
    }


def _mean_per_class(evaluation: Evaluation) -> dict[str, dict[str, float]]:
    each = [replicate["per_class"] for replicate in evaluation.replicates]
    times = len(evaluation.probabilities)  # so often each image was predicted
    return {
        name: {key: float(np.mean([one[name][key] for one in each])) for key in ("precision", "recall", "f1")}
        | {"support": sum(one[name]["support"] for one in each) // times}
        for name in each[0]
    }


def _mean_confusion(evaluation: Evaluation) -> list[list[float]]:
    whole = np.sum([replicate["confusion_matrix"] for replicate in evaluation.replicates], axis=0)
    return (whole / len(evaluation.probabilities)).tolist()


def _pair(interval: tuple[float, float]) -> list[float]:
    return [float(interval[0]), float(interval[1])]
