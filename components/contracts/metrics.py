"""Scores of a classifier on labelled images, for one weighting of the images or for many at once.

A bootstrap resample of a test set is a row of weights (how often each image was drawn), so that a whole
bootstrap is one call. Sums are taken in float64. "Positive" is the class whose misses cost most; sensitivity is its
recall, specificity the recall of all other classes taken together.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

METRICS = (
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "f1",
    "auc",
    "average_precision",
    "brier",
)
_CHUNK = 1 << 17  # weights looked at at once by the ranking scores: a chunk stays within the processor's cache


def decisions(probabilities: np.ndarray, positive: int) -> np.ndarray:
    """Return the decided class (int64, N) of each row of `probabilities` (N x C).

    The most probable class; of two classes the positive one from a probability of 0.5 on.
    """
    if probabilities.shape[1] == 2:
        return np.where(probabilities[:, positive] >= 0.5, positive, 1 - positive).astype(np.int64)
    return probabilities.argmax(axis=1).astype(np.int64)


def scores(
    probabilities: np.ndarray,
    labels: np.ndarray,
    positive: int,
    weights: np.ndarray | None = None,
    wanted: Sequence[str] = METRICS,
) -> dict[str, np.ndarray]:
    """Return the wanted metrics, each a float64 array of B values, one a row of weights.

    `probabilities` (float, N x C) hold the class probabilities of each image, in 0..1; `labels` (int, N) the
    true classes; `weights` (B x N, not negative; default one row of ones) how often each image counts.

    All values are in 0..1, except `brier` beyond two classes (0..2). `balanced_accuracy` is the mean recall over
    the classes that have images. `sensitivity`, `specificity`, `f1`, `auc` (area under the ROC curve, ties count
    half) and `average_precision` (sum of precision times the step in recall, no interpolation) are of the positive
    class against the rest. `brier` is the mean squared error of the probability: of the positive class for two
    classes, summed over the classes beyond (Brier 1950, Monthly Weather Review 78, eq. 2). `macro_auc`, on request,
    is the unweighted mean of every such class's area against the rest. A score whose class has no weight is NaN.
    """
    weights = np.ones((1, len(labels))) if weights is None else weights
    known = (*METRICS, "macro_auc")
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(f"unknown metric {unknown[0]}; known are {', '.join(known)}")
    found: dict[str, np.ndarray] = {}
    with np.errstate(invalid="ignore", divide="ignore"):
        counts = np.asarray(weights, dtype=np.float64)
        found |= _counting_scores(probabilities, labels, positive, counts)
        if "brier" in wanted:
            found["brier"] = counts @ squared_errors(probabilities, labels, positive) / counts.sum(axis=1)
        if "auc" in wanted or "average_precision" in wanted:
            found["auc"], found["average_precision"] = _ranking_scores(
                probabilities[:, positive], labels == positive, weights
            )
        if "macro_auc" in wanted:
            present = np.unique(labels)
            each = [_ranking_scores(probabilities[:, c], labels == c, weights)[0] for c in present]
            found["macro_auc"] = np.mean(each, axis=0)
    return {name: found[name] for name in wanted}


def squared_errors(probabilities: np.ndarray, labels: np.ndarray, positive: int) -> np.ndarray:
    """Return each image's share of the Brier score (float64, N)."""
    p = np.asarray(probabilities, dtype=np.float64)
    if p.shape[1] == 2:
        return (p[:, positive] - (labels == positive)) ** 2
    return ((p - np.eye(p.shape[1])[labels]) ** 2).sum(axis=1)


def confusion_matrix(probabilities: np.ndarray, labels: np.ndarray, positive: int) -> np.ndarray:
    """Return the number of images (int64, C x C) of each actual class (rows) decided as each class (columns)."""
    count = probabilities.shape[1]
    cells = labels * count + decisions(probabilities, positive)
    return np.bincount(cells, minlength=count * count).reshape(count, count).astype(np.int64)


def per_class(confusion: np.ndarray, classes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return precision, recall and F1 (0..1; 0 where undefined) and support (images) of each class.

    `confusion` (C x C) has the actual classes in rows, the decided ones in columns, in the order of `classes`.
    """
    right, actual, decided = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    precision = right / np.maximum(decided, 1)
    recall = right / np.maximum(actual, 1)
    f1 = 2 * right / np.maximum(actual + decided, 1)
    return {
        name: {
            "precision": float(precision[c]),
            "recall": float(recall[c]),
            "f1": float(f1[c]),
            "support": int(actual[c]),
        }
        for c, name in enumerate(classes)
    }


def _counting_scores(
    probabilities: np.ndarray, labels: np.ndarray, positive: int, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the scores of the decisions alone: one matrix product gives the confusion matrices."""
    count = probabilities.shape[1]
    cells = labels * count + decisions(probabilities, positive)
    confusion = (weights @ np.eye(count * count)[cells]).reshape(-1, count, count)
    right = confusion.diagonal(axis1=1, axis2=2)
    actual, decided = confusion.sum(axis=2), confusion.sum(axis=1)
    total = actual.sum(axis=1)
    present = np.unique(labels)
    recall = np.take(right, present, axis=1) / np.take(actual, present, axis=1)
    true_positive = right[:, positive]
    negative = total - actual[:, positive]
    false_positive = decided[:, positive] - true_positive
    return {
        "accuracy": right.sum(axis=1) / total,
        "balanced_accuracy": recall.mean(axis=1),
        "sensitivity": true_positive / actual[:, positive],
        "specificity": (negative - false_positive) / negative,
        "f1": 2 * true_positive / (actual[:, positive] + decided[:, positive]),
    }


def _ranking_scores(scores: np.ndarray, is_positive: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the area under the ROC curve and the average precision (B each) from one sort of `scores` (N)."""
    order = np.argsort(-scores, kind="stable")
    ranked, hit = scores[order], np.flatnonzero(is_positive[order])
    first = np.searchsorted(-ranked, -ranked[hit], side="left")  # where the images tied with each positive one begin
    last = np.searchsorted(-ranked, -ranked[hit], side="right") - 1  # and end
    first_hit, last_hit = np.searchsorted(hit, first), np.searchsorted(hit, last, side="right") - 1
    tied = np.flatnonzero(first < last)
    auc, precision = np.empty(len(weights)), np.empty(len(weights))
    step = max(1, _CHUNK // len(order))
    for start in range(0, len(weights), step):
        part = slice(start, start + step)
        drawn = np.take(weights[part], order, axis=1)
        seen = drawn.cumsum(axis=1, dtype=np.float64)
        gained = np.take(drawn, hit, axis=1)
        hits = gained.cumsum(axis=1, dtype=np.float64)
        found, misses = hits[:, -1], seen[:, -1] - hits[:, -1]
        seen_here, hits_here = np.take(seen, last, axis=1), np.take(hits, last_hit, axis=1)
        above = seen_here - hits_here
        share = np.divide(hits_here, seen_here, out=np.zeros_like(hits_here), where=seen_here > 0)
        precision[part] = np.einsum("bn,bn->b", gained, share) / found
        if len(tied):  # tied negatives count half: the mean of those above all tied images and above the next
            seen_before = np.where(first[tied] > 0, seen[:, first[tied] - 1], 0)
            hits_before = np.where(first_hit[tied] > 0, hits[:, first_hit[tied] - 1], 0)
            above[:, tied] = (above[:, tied] + seen_before - hits_before) / 2
        auc[part] = 1 - np.einsum("bn,bn->b", gained, above) / (found * misses)
    return auc, precision
