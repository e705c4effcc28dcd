"""An evaluation as the Kubeflow UI shows it: plain numbers, lists of at most some 200 points, nothing infinite."""

from pathlib import Path

import numpy as np

from components.contracts.files import read_json
from components.contracts.imageset import ImageSet
from components.contracts.metrics import confusion_matrix

ROC_POINTS = 200


def confusion_view(evaluation_folder: str | Path, test: ImageSet) -> tuple[list[str], list[list[int]]]:
    """Return the class names and the confusion matrix (rows actual) of the mean-probability prediction."""
    positive, mean = _mean_prediction(evaluation_folder, test)
    return list(test.classes), confusion_matrix(mean, test.labels, positive).tolist()


def roc_view(evaluation_folder: str | Path, test: ImageSet) -> tuple[list[float], list[float], list[float]]:
    """Return false and true positive rates and thresholds (falling) of the mean-probability prediction.

    The positive class stands against the rest. The first point, (0, 0), has a threshold of 1 above the highest
    probability, so that no image reaches it.
    """
    positive, mean = _mean_prediction(evaluation_folder, test)
    order = np.argsort(-mean[:, positive], kind="stable")
    ranked, hits = mean[order, positive], test.labels[order] == positive
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # tied images cross a threshold together
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, ROC_POINTS - 1).round().astype(int))]
    false, true = np.cumsum(~hits)[ends] / np.sum(~hits), np.cumsum(hits)[ends] / np.sum(hits)
    thresholds = np.concatenate([[ranked[0] + 1.0], ranked[ends]])
    return [0.0, *false.tolist()], [0.0, *true.tolist()], thresholds.tolist()


def _mean_prediction(evaluation_folder: str | Path, test: ImageSet) -> tuple[int, np.ndarray]:
    folder = Path(evaluation_folder)
    positive = test.classes.index(read_json(folder / "evaluation.json")["positive_class"])
    return positive, np.load(folder / "probabilities.npy", allow_pickle=False).mean(axis=0)
