"""Label fidelity: what the classifiers of the `real` arm take synthetic images for, beside real ones they never saw."""

from collections.abc import Callable
from typing import Any

import numpy as np

from components.contracts.imageset import ImageSet

MOST_JUDGED = 300  # images of a class and generator: their share is then known to three points


def label_fidelity(
    synthetic: ImageSet,
    predict: Callable[[np.ndarray], np.ndarray],
    validation: np.ndarray,
    development_labels: np.ndarray,
) -> list[dict[str, Any]]:
    """Return evaluation.json's `label_fidelity`: each class of real images, and of each generator, in turn.

    `predict` gives the class probabilities (float32 [R, n, C]) of rows of the synthetic set by every replicate;
    `validation` (float32 [R, N, C]) holds those of the development images that a replicate validates on, NaN for all
    others, and `development_labels` (int64 [N]) their labels. An entry has the class, the generator ("" for real
    images), the number of images, the shares of them that are taken for each class (means over images and replicates),
    and the standard deviation of the share that is taken for the right one, by images and by trainings.
    """
    found = []
    for label, name in enumerate(synthetic.classes):
        rows = np.flatnonzero((development_labels == label) & ~np.isnan(validation[:, :, 0]).all(0))
        if len(rows):  # a rare class may be in no fold that a replicate validates on
            found.append({"class": name, "generator": "", **_taken_for(validation[:, rows], label, synthetic.classes)})
    for label, name in enumerate(synthetic.classes):
        of_class = np.flatnonzero(synthetic.labels == label)
        for generator in np.unique(synthetic.groups[of_class]):
            rows = of_class[synthetic.groups[of_class] == generator][:MOST_JUDGED]
            taken = _taken_for(predict(rows), label, synthetic.classes)
            found.append({"class": name, "generator": str(generator), **taken})
    return found


def _taken_for(probabilities: np.ndarray, label: int, classes: tuple[str, ...]) -> dict[str, Any]:
    """Return the shares of images taken for each class; `probabilities` [R, n, C] are NaN where there are none."""
    told = ~np.isnan(probabilities[:, :, 0])
    decided = np.where(told, np.nan_to_num(probabilities).argmax(2), -1)
    shares = np.stack([(decided == each).sum(0) / told.sum(0) for each in range(len(classes))], 1)  # of each image
    replicates = (decided == label).sum(1)[told.any(1)] / told.sum(1)[told.any(1)]
    by_images = shares[:, label].var(ddof=1) / len(shares) if len(shares) > 1 else 0.0
    by_trainings = replicates.var(ddof=1) / len(replicates) if len(replicates) > 1 else 0.0
    return {
        "images": len(shares),
        "taken_for": dict(zip(classes, shares.mean(0).tolist(), strict=True)),
        "deviation": float(np.sqrt(by_images + by_trainings)),
    }
