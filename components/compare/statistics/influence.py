"""What each test image adds to a score: the derivative of the score with respect to the image's weight.

A mean over images moves by (x_i - mean) / n where image i counts a little more. Every score here has such a derivative,
in closed form; their squares add up to the variance that other test images would bring (the infinitesimal jackknife:
Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans, chapter 6). For the area under the ROC curve they
are DeLong's structural components (DeLong, DeLong, Clarke-Pearson 1988, Biometrics 44(3), eq. 4 and 5). No image needs
to be drawn for it, so the variance has no noise of its own, and 100 arms take seconds.
"""

from collections.abc import Callable, Sequence

import numpy as np

from components.contracts.metrics import decisions, squared_errors

AT_SPECIFICITY = ("sensitivity_at_specificity", "sensitivity_at_operating_point")
OPERATING = ("operating_sensitivity", "operating_specificity")
_REACH = 0.05  # half the stretch of false-positive rates over which the slope of a ROC curve is taken


def influences(
    name: str,
    probabilities: np.ndarray,
    labels: np.ndarray,
    positive: int,
    threshold: float,
    specificity: float,
) -> np.ndarray:
    """Return the derivative of one model's score `name` by the weight of each image (float64, N; its sum is 0).

    `probabilities` (float, N x C) are the model's, `labels` (int, N) the classes. `threshold` belongs to
    `operating_sensitivity` and `operating_specificity`, `specificity` (0..1) to `sensitivity_at_specificity` and
    `sensitivity_at_operating_point`; the other names are those of `components.contracts.metrics`.
    """
    p, is_positive = probabilities[:, positive], labels == positive
    if name in AT_SPECIFICITY:
        return _sensitivity_at(p, is_positive, specificity)[1]
    if name in OPERATING:
        kind = is_positive if name == "operating_sensitivity" else ~is_positive
        return _mean((p >= threshold) == is_positive, kind)
    decided = decisions(probabilities, positive)
    right = decided == labels
    found: dict[str, Callable[[], np.ndarray]] = {
        "accuracy": lambda: _mean(right),
        "balanced_accuracy": lambda: np.mean([_mean(right, labels == c) for c in np.unique(labels)], axis=0),
        "sensitivity": lambda: _mean(decided == positive, is_positive),
        "specificity": lambda: _mean(decided != positive, ~is_positive),
        "f1": lambda: _f1(decided == positive, is_positive),
        "auc": lambda: _auc(p, is_positive),
        "macro_auc": lambda: np.mean([_auc(probabilities[:, c], labels == c) for c in np.unique(labels)], axis=0),
        "average_precision": lambda: _average_precision(p, is_positive),
        "brier": lambda: _mean(squared_errors(probabilities, labels, positive)),
    }
    return found[name]()


def operating_scores(p: np.ndarray, is_positive: np.ndarray, threshold: float) -> dict[str, float]:
    """Return sensitivity and specificity where an image is called positive from the probability `threshold` on."""
    called = p >= threshold
    return {
        "operating_sensitivity": float(called[is_positive].mean()),
        "operating_specificity": float((~called[~is_positive]).mean()),
    }


def operating_specificity(
    probabilities: np.ndarray, is_positive: np.ndarray, positive: int, thresholds: Sequence[float]
) -> float:
    """Return the mean specificity of an arm's replicates at their thresholds (one a replicate)."""
    each = [
        operating_scores(predicted[:, positive], is_positive, cut)["operating_specificity"]
        for predicted, cut in zip(probabilities, thresholds, strict=True)
    ]
    return float(np.mean(each))


def sensitivity_at_specificity(p: np.ndarray, is_positive: np.ndarray, specificity: float) -> float:
    """Return the height of the ROC curve, its points joined by lines, at the false-positive rate 1 - `specificity`."""
    return _sensitivity_at(p, is_positive, specificity)[0]


def _mean(values: np.ndarray, of: np.ndarray | None = None) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if of is None:
        return (values - values.mean()) / len(values)
    return np.where(of, values - values[of].mean(), 0.0) / of.sum()


def _f1(called: np.ndarray, is_positive: np.ndarray) -> np.ndarray:
    total = is_positive.sum() + called.sum()
    score = 2 * np.sum(called & is_positive) / total
    return (2.0 * (called & is_positive) - score * (is_positive.astype(float) + called)) / total


def _auc(p: np.ndarray, is_positive: np.ndarray) -> np.ndarray:
    ranked = np.sort(p[~is_positive])
    above = np.sort(p[is_positive])
    found = np.empty(len(p))
    found[is_positive] = _share_below(ranked, p[is_positive])
    found[~is_positive] = 1 - _share_below(above, p[~is_positive])
    area = found[is_positive].mean()
    return (found - area) / np.where(is_positive, len(above), len(ranked))


def _share_below(ranked: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the share of `ranked` below each value, ties counted half."""
    return (np.searchsorted(ranked, values, "left") + np.searchsorted(ranked, values, "right")) / (2 * len(ranked))


def _average_precision(p: np.ndarray, is_positive: np.ndarray) -> np.ndarray:
    """With S(i) images and H(i) hits down to image i: AP = sum of H(i) / S(i) over the hits, by their number."""
    order = np.argsort(-p, kind="stable")
    ranked, hit = p[order], is_positive[order].astype(np.float64)
    last = np.searchsorted(-ranked, -ranked, side="right") - 1  # of the images tied with each
    first = np.searchsorted(-ranked, -ranked, side="left")
    seen, hits = last + 1.0, hit.cumsum()[last]
    precision, total = hits / seen, hit.sum()
    score = np.sum(hit * precision) / total
    # An image counts in H and S of every hit ranked no higher than itself.
    below_hit = (hit / seen)[::-1].cumsum()[::-1][first]
    below_seen = (hit * hits / seen**2)[::-1].cumsum()[::-1][first]
    found = np.empty(len(p))
    found[order] = (hit * (precision - score) + hit * below_hit - below_seen) / total
    return found


def _sensitivity_at(p: np.ndarray, is_positive: np.ndarray, specificity: float) -> tuple[float, np.ndarray]:
    """Return the sensitivity and its derivatives (Hsieh, Turnbull 1996, Annals of Statistics 24(1), theorem 2.2).

    Their formula holds the slope of the curve; here it is that of the chord over 0.05 of the false-positive rate to
    either side.
    """
    negatives, positives = np.sort(p[~is_positive])[::-1], np.sort(p[is_positive])[::-1]
    cuts = np.unique(p)[::-1]
    false = np.concatenate([[0.0], np.searchsorted(-negatives, -cuts, side="right") / len(negatives)])
    true = np.concatenate([[0.0], np.searchsorted(-positives, -cuts, side="right") / len(positives)])
    rate = 1 - specificity
    corners = np.append(np.flatnonzero(np.diff(false) > 0), len(false) - 1)  # the top of each upright stretch
    low, high = max(0.0, rate - _REACH), min(1.0, rate + _REACH)
    bottom, score, top = np.interp([low, rate, high], false[corners], true[corners])
    slope = (top - bottom) / (high - low)
    cut = cuts[min(int(np.searchsorted(false, rate, side="right")), len(cuts)) - 1]
    called = p >= cut
    return float(score), _mean(called, is_positive) - slope * _mean(called, ~is_positive)
