"""Mixes an arm's training set in memory: real rows outside the validation fold, and synthetic ones."""

from dataclasses import dataclass

import numpy as np

from components.contracts.arms import Arm
from components.contracts.errors import InputError
from components.contracts.imageset import ImageSet


@dataclass(frozen=True)
class TrainingSet:
    """What one replicate learns from: `images` (uint8, N x S x S x 3), `labels` (int64, N: numbers of classes).

    `synthetic_per_class` counts the synthetic ones among them.
    """

    images: np.ndarray
    labels: np.ndarray
    synthetic_per_class: dict[str, int]


def training_set(
    development: ImageSet, synthetic: ImageSet | None, arm: Arm, replicate: int, gan_replicates: int
) -> TrainingSet:
    """Return the training set of one replicate of an arm: real rows first, then the synthetic ones by class.

    The synthetic images of a class are the first n of GAN replicate `replicate` modulo `gan_replicates`; a share is
    of the real training rows of the class. Raises InputError if synthetic images are missing or don't
    fit, or a class would have nothing to learn from.
    """
    real = np.flatnonzero(~development.validation_mask(replicate))
    counts = np.bincount(development.labels[real], minlength=len(development.classes))
    drawn = [arm.synthetic_count(int(count)) for count in counts]
    images = [development.images[real]] if arm.uses_real else []
    labels = [development.labels[real]] if arm.uses_real else []
    if any(drawn):
        synthetic = _fitting(development, synthetic, arm)
        for label, count in enumerate(drawn):
            rows = synthetic.synthetic_rows(label, replicate % gan_replicates, count)
            images.append(synthetic.images[rows])
            labels.append(synthetic.labels[rows])
    for name, real_count, synthetic_count in zip(development.classes, counts, drawn, strict=True):
        if synthetic_count + arm.uses_real * real_count == 0:
            raise InputError(f"arms: '{arm.name}' has no training images of {name}; ask for more of them")
    return TrainingSet(
        np.concatenate(images), np.concatenate(labels), dict(zip(development.classes, drawn, strict=True))
    )


def _fitting(development: ImageSet, synthetic: ImageSet | None, arm: Arm) -> ImageSet:
    if synthetic is None:
        raise InputError(f"arms: '{arm.name}' needs synthetic images and there is no synthetic set; train GANs first")
    if synthetic.classes != development.classes or synthetic.image_size != development.image_size:
        there = f"{', '.join(synthetic.classes)} at {synthetic.image_size} pixels"
        wanted = f"{', '.join(development.classes)} at {development.image_size} pixels"
        raise InputError(f"synthetic set: holds {there}, the development set {wanted}; make both in one run")
    return synthetic
