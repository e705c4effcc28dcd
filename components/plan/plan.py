"""Lays out a run: which GANs to train, which arms to compare, after every check that needs no pixels."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import components
from components.contracts.arms import GAN, Arm, parse_arms
from components.contracts.classifier import Classifier
from components.contracts.errors import InputError
from components.contracts.gan_sizes import gan_image_size
from components.contracts.imageset import fold_count
from components.contracts.plain_text import PLACEHOLDER, plain
from components.contracts.pods import deal
from components.data_set.checks import check_classes, check_files, check_groups, check_sizes, listed_reasons
from components.data_set.data_set import DataSet, find_positive_class
from components.data_set.external_test_sets import external_version, open_external_test_sets
from components.data_set.synthetic_sets import SyntheticSet, check_arms, open_synthetic_sets
from components.plan.classifier import check_classifier
from components.plan.parameters import Parameters
from components.storage.addresses import file_version

# KFP slows down and Argo's status outgrows its limit beyond about this many pods of loops in one run.
MOST_PODS = 80
LONGEST_NAME = 150  # bytes of a class's name, which stands in names of files


@dataclass(frozen=True)
class GanCell:
    """One GAN to train: a class and a replicate with its seed."""

    label: str
    replicate: int
    seed: int


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    `positive_class` is resolved: never empty. `gan_pods` and `arm_pods` are the GANs, and the names of the arms, that
    one pod works through. `data_version` changes with any file of the data set and the table, `synthetic_version` with
    any of the synthetic sets, `external_version` with any of the external test sets: without them KFP's cache would
    answer for data that have changed under the same address. `understood` says how these sets were, `warnings` what of
    them deserves a look.
    """

    parameters: Parameters
    positive_class: str
    gan_cells: tuple[GanCell, ...]
    arms: tuple[Arm, ...]
    gan_pods: list[list[GanCell]]
    arm_pods: list[list[str]]
    data_version: str
    synthetic_version: str
    external_version: str
    classifier: Classifier
    understood: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

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


def _check_name(name: str) -> None:
    """Refuse the name of a class that no log, file or argument of Kubeflow could hold as it is; raises InputError."""
    if PLACEHOLDER in name:
        raise InputError(f"data_set: class '{name}': Kubeflow would put a value in place of '{PLACEHOLDER}'; rename it")
    if plain(name) != name:
        raise InputError(f"data_set: class '{plain(name)}': its name holds a control character; rename it")
    if len(name.encode()) > LONGEST_NAME:
        raise InputError(f"data_set: class '{name[:40]}...': its name is longer than {LONGEST_NAME} bytes; shorten it")


def make_plan(parameters: Parameters, data_set: DataSet) -> Plan:
    """Check the parameters against the listed data set and lay out the work.

    A run whose arms need no GAN has no GAN cells. Raises InputError on a single class, an unknown positive class, a
    test folder that lacks a class, a class of which too many files can't be used or with fewer images than a GAN batch,
    a GAN size that can't be, a synthetic set that is missing, of other classes or too small for an arm, `real` alone, a
    missing file, a classifier that does not fit, or more pods of loops than a run may have.
    """
    version = data_set.digest()
    if parameters.test_folds > 1:
        data_set = data_set.pooled()
    classes = data_set.classes
    for name in classes:
        _check_name(name)
    check_classes(data_set)
    positive_class = find_positive_class(parameters.positive_class, classes)
    arms = parse_arms(parameters.arms)
    if len(arms) < 2:
        raise InputError("arms: there is only 'real', so nothing is compared; add one such as gan:120 or balanced")
    with_gans = any(arm.source == GAN for arm in arms)
    if with_gans:
        gan_image_size(parameters.gan_size, parameters.image_size)
    check_files(data_set, listed_reasons(data_set), parameters.max_bad_share)
    gan_batch_size = parameters.gan_batch_size if with_gans else 0
    check_sizes(data_set, parameters.drawn_share, parameters.validation_share, gan_batch_size)
    check_groups(data_set, parameters.test_folds, parameters.validation_share)
    sets = open_synthetic_sets(parameters.synthetic_sets, classes)
    real = _learnt_from(parameters, data_set)
    check_arms(arms, sets, classes, real)
    external = open_external_test_sets(parameters.external_test_sets, classes, positive_class, parameters.max_bad_share)
    versions = [
        file_version(name, getattr(parameters, name)) for name in ("inception_weights",) if getattr(parameters, name)
    ]
    synthetic_version = " ".join(f"{one.generator}:{one.data_set.digest()}" for one in sets)
    cells = tuple(
        GanCell(label, replicate, parameters.seed + replicate)
        for label in classes
        for replicate in range(parameters.gan_replicates)
        if with_gans
    )
    passes = dict(zip(classes, real, strict=True)) if parameters.gan_epochs else dict.fromkeys(classes, 1)
    gan_pods = deal([passes[cell.label] for cell in cells], parameters.pods)
    arm_pods = deal(_work_of(arms, sets, classes, real), parameters.pods)
    if len(gan_pods) + len(arm_pods) > MOST_PODS:
        raise InputError(
            f"arms: {len(cells)} GANs and {len(arms)} arms are more than {MOST_PODS} pods; let them share some with "
            "pods=10, use fewer arms or gan_replicates, or several runs"
        )
    classifier = check_classifier(parameters)
    return Plan(
        parameters,
        positive_class,
        cells,
        tuple(arms),
        [[cells[place] for place in pod] for pod in gan_pods],
        [[arms[place].name for place in pod] for pod in arm_pods],
        "-".join([version, *versions]),
        synthetic_version,
        external_version(external),
        classifier,
        understood=(
            *_about(classifier),
            *(line for one in sets for line in one.understood()),
            *(line for one in external for line in one.understood()),
        ),
        warnings=(
            *(line for one in sets for line in one.warnings()),
            *(line for one in external for line in one.warnings()),
        ),
    )


def _work_of(
    arms: Sequence[Arm], sets: Sequence[SyntheticSet], classes: Sequence[str], real: Sequence[int]
) -> list[float]:
    """Return about how many images each arm learns from; `real` are the real ones of each class."""
    there = {one.name: [one.count(label) for label in classes] for one in sets}
    nothing = [0] * len(classes)
    return [
        arm.real_share * sum(real) + sum(arm.synthetic_counts(real, there.get(arm.source, nothing))) for arm in arms
    ]


def _about(classifier: Classifier) -> list[str]:
    return [f"classifier: {classifier.words()}"] if classifier.kind in ("application", "own") else []


def _learnt_from(parameters: Parameters, data_set: DataSet) -> list[int]:
    """Return about how many real images of each class a training learns from."""
    share = 1 - 1 / fold_count(parameters.validation_share)
    if not data_set.has_test_folder:
        share *= 1 - parameters.drawn_share
    return [int(data_set.count(label, "", "train") * share) for label in data_set.classes]
