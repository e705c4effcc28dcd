"""Lays out a run: which GANs to train, which arms to compare, after every check that needs no pixels."""

from dataclasses import asdict, dataclass
from typing import Any

import components
from components.contracts.arms import Arm, parse_arms
from components.contracts.errors import InputError
from components.contracts.gan_sizes import gan_image_size
from components.contracts.imageset import FEWEST_IMAGES, smallest_class
from components.data_set.data_set import DataSet, find_positive_class
from components.plan.parameters import Parameters
from components.storage.addresses import file_version

# KFP slows down and Argo's status outgrows its limit beyond about this many loop cells in one run.
MOST_CELLS = 100


@dataclass(frozen=True)
class GanCell:
    """One GAN to train: a class and a replicate with its seed."""

    label: str
    replicate: int
    seed: int


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    `positive_class` is resolved: never empty. `data_version` changes with any file that the run reads: without it KFP's
    cache would answer for data that have changed under the same address.
    """

    parameters: Parameters
    positive_class: str
    gan_cells: tuple[GanCell, ...]
    arms: tuple[Arm, ...]
    data_version: str

    def to_json(self, code_digest: str) -> dict[str, Any]:
        """Return the plan as it is handed to the later stages, with the digest of the code that the run uses."""
        return {
            "gansweep_version": components.__version__,
            "code_digest": code_digest,
            "parameters": self.parameters.model_dump(),
            "positive_class": self.positive_class,
            "gan_cells": [asdict(cell) for cell in self.gan_cells],
            "arms": [arm.name for arm in self.arms],
        }


def make_plan(parameters: Parameters, data_set: DataSet) -> Plan:
    """Check the parameters against the listed data set and lay out the work.

    Raises InputError on a single class, an unknown positive class, a test folder that lacks a class, a class with
    fewer images than a GAN batch, a GAN size that can't be, arms none of which uses a GAN, a missing file, or more
    loop cells than a run may have.
    """
    classes = data_set.classes
    if len(classes) < 2:
        raise InputError(f"data_set: only one class, '{classes[0]}', is there; a classifier needs two or more folders")
    positive_class = find_positive_class(parameters.positive_class, classes)
    gan_image_size(parameters.gan_size, parameters.image_size)
    for label in classes:
        _check_class(data_set, label, parameters)
    arms = parse_arms(parameters.arms)
    if not any(arm.uses_gan for arm in arms):
        raise InputError("arms: none of them uses synthetic images; add one such as gan:120 or gan:50%")
    versions = [
        file_version(name, getattr(parameters, name))
        for name in ("groups", "inception_weights")
        if getattr(parameters, name)
    ]
    cells = tuple(
        GanCell(label, replicate, parameters.seed + replicate)
        for label in classes
        for replicate in range(parameters.gan_replicates)
    )
    if len(cells) + len(arms) > MOST_CELLS:
        raise InputError(
            f"arms: {len(cells)} GANs and {len(arms)} arms are more than {MOST_CELLS} cells; "
            "use fewer arms or gan_replicates, or several runs"
        )
    return Plan(parameters, positive_class, cells, tuple(arms), "-".join([data_set.digest(), *versions]))


def _check_class(data_set: DataSet, label: str, parameters: Parameters) -> None:
    count = data_set.count(label, "", "train")
    if data_set.has_test_folder:
        for folder, images in (("test", data_set.count(label, "test")), ("train", count)):
            if images == 0:
                raise InputError(
                    f"data_set: class '{label}' has no images under {folder}/; every class needs some there"
                )
    else:
        count -= round(parameters.test_share * count)
    if count < FEWEST_IMAGES:
        raise InputError(
            f"data_set: class '{label}' has {count} images to learn from; its synthetic images can be judged from "
            f"{FEWEST_IMAGES} on, so add images"
        )
    needed = smallest_class(parameters.gan_batch_size, parameters.validation_share)
    if count < needed:
        largest = parameters.gan_batch_size * count // needed
        raise InputError(
            f"gan_batch_size: class '{label}' has {count} images to learn from, a batch of {parameters.gan_batch_size} "
            f"needs {needed} (validation taken off); add images or set gan_batch_size to at most {largest}"
        )
