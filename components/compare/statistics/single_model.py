"""One model from many: statistics of the mean-probability prediction, the replicates' probabilities averaged."""

from typing import Any

import numpy as np
from sklearn.metrics import roc_curve
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from components.contracts.metrics import decisions

_BINS = 10
_ROC_POINTS = 100


def proportions(
    prediction: np.ndarray, labels: np.ndarray, positive: int, confidence: float
) -> dict[str, dict[str, Any]]:
    """Return accuracy, sensitivity and specificity of one prediction (float, N x C), each with Wilson's interval."""
    decided = decisions(prediction, positive)
    of_positive, said = labels == positive, decided == positive
    counts = {
        "accuracy": (np.sum(decided == labels), len(labels)),
        "sensitivity": (np.sum(said & of_positive), np.sum(of_positive)),
        "specificity": (np.sum(~said & ~of_positive), np.sum(~of_positive)),
    }
    return {
        name: {"value": float(right / total), "interval": wilson(int(right), int(total), confidence)}
        for name, (right, total) in counts.items()
    }


def wilson(count: int, total: int, confidence: float) -> list[float]:
    """Return Wilson's interval (1927, JASA 22(158)) of the share `count` of `total`."""
    low, high = proportion_confint(count, total, alpha=1 - confidence, method="wilson")
    return [float(low), float(high)]


def exact_mcnemar(real: np.ndarray, arm: np.ndarray, labels: np.ndarray, positive: int) -> dict[str, Any]:
    """Return the discordant test images of two predictions (float, N x C) and McNemar's exact p-value.

    McNemar 1947, Psychometrika 12(2). The test takes the images as independent, whatever their groups.
    """
    real_right, arm_right = (decisions(prediction, positive) == labels for prediction in (real, arm))
    only_real, only_arm = int(np.sum(real_right & ~arm_right)), int(np.sum(arm_right & ~real_right))
    table = [[int(np.sum(real_right & arm_right)), only_real], [only_arm, int(np.sum(~real_right & ~arm_right))]]
    p_value = float(mcnemar(table, exact=True).pvalue) if only_real + only_arm else 1.0
    return {"only_real_right": only_real, "only_arm_right": only_arm, "p_value": p_value}


def calibration(prediction: np.ndarray, labels: np.ndarray, positive: int, confidence: float) -> list[dict[str, Any]]:
    """Return the bins of a calibration curve: ten of equal width over 0..1, empty ones left out.

    Each {"predicted": mean probability of the positive class, "observed": its share, "count": images, "interval":
    Wilson's of that share}.
    """
    p = prediction[:, positive]
    bins = np.minimum((p * _BINS).astype(int), _BINS - 1)
    found = []
    for number in np.unique(bins):
        inside = bins == number
        hits, count = int(np.sum(labels[inside] == positive)), int(np.sum(inside))
        found.append(
            {
                "predicted": float(p[inside].mean()),
                "observed": hits / count,
                "count": count,
                "interval": wilson(hits, count, confidence),
            }
        )
    return found


def roc(prediction: np.ndarray, labels: np.ndarray, positive: int) -> dict[str, list[float]]:
    """Return the ROC curve of the positive class against the rest, at most 100 points evenly along its length."""
    false_positive, true_positive, _ = roc_curve(labels == positive, prediction[:, positive])
    if len(false_positive) > _ROC_POINTS:
        length = false_positive + true_positive
        kept = np.unique(np.searchsorted(length, np.linspace(0, 2, _ROC_POINTS)).clip(max=len(length) - 1))
        false_positive, true_positive = false_positive[kept], true_positive[kept]
    return {
        "false_positive_rate": [round(float(x), 5) for x in false_positive],
        "true_positive_rate": [round(float(y), 5) for y in true_positive],
    }
