"""Lays out a run: which GANs to train, which arms to compare, after every check that needs no pixels."""

from dataclasses import asdict, dataclass
from typing import Any

import components
from components.contracts.arms import Arm, parse_arms
from components.contracts.errors import InputError
from components.contracts.gan_sizes import gan_image_size
from components.data_set.checks import check_classes, check_files, check_sizes, listed_reasons
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

    Raises InputError on a single class, an unknown positive class, a test folder that lacks a class, a class of which
    too many files can't be used or with fewer images than a GAN batch, a GAN size that can't be, arms none of which
    uses a GAN, a missing file, or more loop cells than a run may have.
    """
    classes = data_set.classes
    check_classes(data_set)
    positive_class = find_positive_class(parameters.positive_class, classes)
    gan_image_size(parameters.gan_size, parameters.image_size)
    check_files(data_set, listed_reasons(data_set), parameters.max_bad_share)
    check_sizes(data_set, parameters.test_share, parameters.validation_share, parameters.gan_batch_size)
    arms = parse_arms(parameters.arms)
    if not any(arm.uses_gan for arm in arms):
        raise InputError("arms: none of them uses synthetic images; add one such as gan:120 or gan:50%")
    versions = [
        file_version(name, getattr(parameters, name)) for name in ("inception_weights",) if getattr(parameters, name)
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
