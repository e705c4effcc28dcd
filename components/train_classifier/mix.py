"""Mixes an arm's training set in memory: real rows outside the validation fold, and synthetic ones."""

from dataclasses import dataclass

import numpy as np

from components.contracts.arms import Arm
from components.contracts.errors import InputError
from components.contracts.imageset import ImageSet


@dataclass(frozen=True)
class TrainingRows:
    """What one replicate learns from: rows (int64) of the development set, then rows of the synthetic set.

    `labels` (int64, one a row of both) are numbers of classes; `synthetic_per_class` counts the synthetic ones.
    """

    real: np.ndarray
    synthetic: np.ndarray
    labels: np.ndarray
    synthetic_per_class: dict[str, int]

    def images(self, development: ImageSet, synthetic: ImageSet | None) -> np.ndarray:
        """Return the images of the rows, uint8 N x S x S x 3, from the sets that the rows were chosen in."""
        parts = [development.images[self.real]]
        if synthetic is not None:
            parts.append(synthetic.images[self.synthetic])
        return np.concatenate(parts)


def training_rows(
    development: ImageSet, synthetic: ImageSet | None, arm: Arm, replicate: int, gan_replicates: int
) -> TrainingRows:
    """Return the training rows of one replicate of an arm: real rows first, then the synthetic ones by class.

    The synthetic images of a class are the first n of GAN replicate `replicate` modulo `gan_replicates`; a share is
    of the real training rows of the class. Raises InputError if synthetic images are missing or don't
    fit, or a class would have nothing to learn from.
    """
    real = np.flatnonzero(~development.validation_mask(replicate))
    counts = np.bincount(development.labels[real], minlength=len(development.classes))
    drawn = [arm.synthetic_count(int(count)) for count in counts]
    made = [np.empty(0, np.int64)]
    labels = np.empty(0, np.int64)
    if any(drawn):
        synthetic = _fitting(development, synthetic, arm)
        made += [synthetic.synthetic_rows(c, replicate % gan_replicates, count) for c, count in enumerate(drawn)]
        labels = synthetic.labels[np.concatenate(made)]
    for name, real_count, synthetic_count in zip(development.classes, counts, drawn, strict=True):
        if synthetic_count + arm.uses_real * real_count == 0:
            raise InputError(f"arms: '{arm.name}' has no training images of {name}; ask for more of them")
    real = real if arm.uses_real else real[:0]
    return TrainingRows(
        real,
        np.concatenate(made),
        np.concatenate([development.labels[real], labels]),
        dict(zip(development.classes, drawn, strict=True)),
    )


def _fitting(development: ImageSet, synthetic: ImageSet | None, arm: Arm) -> ImageSet:
    if synthetic is None:
        raise InputError(f"arms: '{arm.name}' needs synthetic images and there is no synthetic set; train GANs first")
    if synthetic.classes != development.classes or synthetic.image_size != development.image_size:
        there = f"{', '.join(synthetic.classes)} at {synthetic.image_size} pixels"
        wanted = f"{', '.join(development.classes)} at {development.image_size} pixels"
        raise InputError(f"synthetic set: holds {there}, the development set {wanted}; make both in one run")
    return synthetic
