"""Mixes an arm's training set: real rows outside the validation fold, and synthetic ones."""

from dataclasses import dataclass

import numpy as np

from components.contracts.arms import Arm
from components.contracts.errors import InputError
from components.contracts.imageset import ImageSet
from components.contracts.pixels import taken


@dataclass(frozen=True)
class TrainingRows:
    """What one replicate learns from: rows (int64) of the development set, then rows of the synthetic set.

    A row may stand there more than once. `labels` (int64, one a row of both) are numbers of classes, `weights`
    (float32, mean 1) how much each counts in the loss; `synthetic_per_class` counts the synthetic ones, which
    `generator` drew ("" without any).
    """

    real: np.ndarray
    synthetic: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    synthetic_per_class: dict[str, int]
    generator: str

    def images(self, development: ImageSet, synthetic: ImageSet | None, places: np.ndarray) -> np.ndarray:
        """Return the images of some of the rows, uint8 n x S x S x 3, from the sets that the rows were chosen in.

        `places` (int, n) count the rows of both, those of the development set first.
        """
        made = places >= len(self.real)
        if synthetic is None or not made.any():
            return taken(development.images, self.real[places])
        found = np.empty((len(places), *development.images.shape[1:]), np.uint8)
        found[~made] = taken(development.images, self.real[places[~made]])
        found[made] = taken(synthetic.images, self.synthetic[places[made] - len(self.real)])
        return found


def training_rows(development: ImageSet, synthetic: ImageSet | None, arm: Arm, replicate: int) -> TrainingRows:
    """Return the training rows of one replicate of an arm: real rows first, then the synthetic ones by class.

    The synthetic images come from one generator of the arm's source: replicate r takes number r modulo their number.
    Shares and balances are of the real training rows of each class. Raises InputError if synthetic images are missing
    or don't fit, or a class would have nothing to learn from.
    """
    real = np.flatnonzero(~development.validation_mask(replicate))
    counts = np.bincount(development.labels[real], minlength=len(development.classes)).tolist()
    made, generator, drawn = np.empty(0, np.int64), "", [0] * len(counts)
    if arm.uses_synthetic:
        fitting = _fitting(development, synthetic, arm)
        generators = fitting.generators_of(arm.source)
        if not generators:
            raise InputError(
                f"arms: '{arm.name}': the synthetic set has no images of {arm.source}; make both in one run"
            )
        generator = generators[replicate % len(generators)]
        there = np.bincount(fitting.labels[fitting.groups == generator], minlength=len(counts)).tolist()
        drawn = arm.synthetic_counts(counts, there)
        made = np.concatenate(
            [fitting.synthetic_rows(label, generator, count, replicate) for label, count in enumerate(drawn)]
        )
    real = _real_rows(development, real, arm, replicate)
    labels = np.concatenate([development.labels[real], synthetic.labels[made] if synthetic is not None else made])
    found = np.bincount(labels, minlength=len(counts))
    for name, count in zip(development.classes, found.tolist(), strict=True):
        if count == 0:
            raise InputError(f"arms: '{arm.name}' has no training images of {name}; ask for more of them")
    weights = np.ones(len(labels), np.float32)
    if arm.rare == "balanced":
        weights = (len(labels) / (len(found) * found))[labels].astype(np.float32)
    return TrainingRows(real, made, labels, weights, dict(zip(development.classes, drawn, strict=True)), generator)


def _real_rows(development: ImageSet, rows: np.ndarray, arm: Arm, replicate: int) -> np.ndarray:
    """Return the real rows that an arm takes of its training rows: a share of each class, or rare ones repeated."""
    if arm.real_share == 1 and arm.rare != "oversampled":
        return rows
    labels = development.labels[rows]
    of_class = [rows[labels == label] for label in range(len(development.classes))]
    if arm.rare == "oversampled":
        largest = max(map(len, of_class))
        return np.concatenate([np.resize(own, largest) if len(own) else own for own in of_class])
    return np.sort(
        np.concatenate([_share(own, development.groups[own], arm.real_share, replicate) for own in of_class])
    )


def _share(rows: np.ndarray, groups: np.ndarray, share: float, replicate: int) -> np.ndarray:
    """Return about a share of a class's rows, in whole groups; a larger share holds the smaller ones of a replicate."""
    names, number = np.unique(groups, return_inverse=True)
    place = np.random.default_rng([replicate, len(rows)]).permutation(len(names))[number]  # of each row's group
    taken = np.cumsum(np.bincount(place, minlength=len(names))) <= max(share * len(rows), 0)
    if share > 0 and len(rows) and not taken.any():
        taken[0] = True
    return rows[taken[place]]


def _fitting(development: ImageSet, synthetic: ImageSet | None, arm: Arm) -> ImageSet:
    if synthetic is None:
        raise InputError(f"arms: '{arm.name}' needs synthetic images and there is no synthetic set; make one first")
    if synthetic.classes != development.classes or synthetic.image_size != development.image_size:
        there = f"{', '.join(synthetic.classes)} at {synthetic.image_size} pixels"
        wanted = f"{', '.join(development.classes)} at {development.image_size} pixels"
        raise InputError(f"synthetic set: holds {there}, the development set {wanted}; make both in one run")
    return synthetic
