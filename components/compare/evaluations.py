"""Reads what `evaluate` wrote for every arm, and refuses what does not belong together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from components.contracts.errors import InputError
from components.contracts.files import read_json
from components.contracts.imageset import ImageSet
from components.contracts.metrics import scores

_AGREE = 1e-4  # scores from float32 probabilities may differ by rounding, no more


@dataclass(frozen=True)
class Evaluation:
    """One arm on the test set.

    `probabilities` (float32, R x N x C) are those of each replicate, image and class; `replicates` the R entries of
    evaluation.json (seed, threshold, metrics, per_class, confusion_matrix, ...). Where test folds are pooled,
    an image's probabilities are those of its own fold's R replicates, and `replicates` holds R a fold, fold by fold.
    `elsewhere` (float32, M external images) are those of every one of `replicates` for each external image.
    """

    arm: str
    probabilities: np.ndarray
    synthetic_per_class: dict[str, int]
    training_images: int
    replicates: list[dict[str, Any]]
    classifier: dict[str, Any]
    elsewhere: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0), np.float32))

    @property
    def thresholds(self) -> list[float]:
        """The operating threshold of each replicate, fixed on its validation rows."""
        return [float(replicate["threshold"]) for replicate in self.replicates]

    def thresholds_in(self, fold: int) -> list[float]:
        """Return the thresholds of the replicates of one test fold, the only one unless several are pooled."""
        count = len(self.probabilities)
        return self.thresholds[fold * count : (fold + 1) * count]

    @property
    def trained_for(self) -> list[int]:
        """The test fold that each replicate has not learnt from; 0 unless several are pooled."""
        return [int(replicate.get("test_fold", 0)) for replicate in self.replicates]

    def mean_prediction(self) -> np.ndarray:
        """Return the class probabilities averaged over the replicates (float64, N x C): one model from many."""
        return self.probabilities.mean(axis=0, dtype=np.float64)


def load_evaluations(
    folders: Sequence[str | Path], arms: Sequence[str], test: ImageSet, external: ImageSet, positive_class: str
) -> list[Evaluation]:
    """Read the evaluations of all `arms`, in their order.

    Raises InputError naming the folder or file if an arm is missing, unknown or there twice, if an evaluation is of
    another test set, classes or positive class, if shapes differ, or if probabilities do not fit their metrics.
    """
    found: dict[str, Evaluation] = {}
    for folder in map(Path, folders):
        evaluation = _load(folder, test, external, positive_class)
        if evaluation.arm not in arms:
            raise InputError(f"{folder}: arm '{evaluation.arm}' is not in the plan; planned are {', '.join(arms)}")
        if evaluation.arm in found:
            raise InputError(f"{folder}: arm '{evaluation.arm}' is there twice; give one evaluation an arm")
        found[evaluation.arm] = evaluation
    for arm in arms:
        if arm not in found:
            raise InputError(f"evaluations: arm '{arm}' is missing; run evaluate for it")
        if found[arm].classifier != found["real"].classifier:
            raise InputError(f"evaluations: arm '{arm}' has another classifier than real; train both with the same")
        if len(found[arm].replicates) != len(found["real"].replicates):
            raise InputError(
                f"evaluations: arm '{arm}' has {len(found[arm].replicates)} replicates, real has "
                f"{len(found['real'].replicates)}; train both with the same number"
            )
    return [found[arm] for arm in arms]


def _load(folder: Path, test: ImageSet, external: ImageSet, positive_class: str) -> Evaluation:
    file = folder / "evaluation.json"
    about = read_json(file)
    if about["test_set_digest"] != test.digest():
        raise InputError(f"{file}: made from another test set; evaluate the arm on the one that is compared")
    if about["external_set_digest"] != external.digest():
        raise InputError(f"{file}: made from other external test sets; evaluate the arm on those that are compared")
    if tuple(about["classes"]) != test.classes or about["positive_class"] != positive_class:
        raise InputError(f"{file}: its classes or positive class differ from the plan's; evaluate the arm again")
    probabilities, elsewhere = (
        _probabilities(folder / name, len(about["replicates"]), images)
        for name, images in (("probabilities.npy", test), ("external.npy", external))
    )
    positive = test.classes.index(positive_class)
    for r, replicate in enumerate(about["replicates"]):
        for name, value in scores(probabilities[r], test.labels, positive).items():
            if abs(value[0] - replicate[name]) > _AGREE:
                raise InputError(f"{file}: {name} of replicate {r} does not follow from probabilities.npy")
    replicates = [
        {key: value for key, value in replicate.items() if key != "history"} for replicate in about["replicates"]
    ]
    return Evaluation(
        about["arm"],
        probabilities,
        about["synthetic_per_class"],
        about["training_images"],
        replicates,
        about["classifier"],
        elsewhere,
    )


def _probabilities(array: Path, replicates: int, images: ImageSet) -> np.ndarray:
    try:
        found = np.load(array, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{array}: not an array of probabilities ({error})") from None
    shape = (replicates, len(images), len(images.classes))
    if found.shape != shape or not shape[0]:
        raise InputError(f"{array}: holds {found.shape}, expected replicates x images x classes {shape}")
    if not np.isfinite(found).all() or np.any(found < 0) or np.any(np.abs(found.sum(axis=2) - 1) > 1e-3):
        raise InputError(f"{array}: rows are not probabilities that sum to 1; evaluate the arm again")
    return found
