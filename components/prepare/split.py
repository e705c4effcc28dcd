"""Splits that never cut through a group: the test set, and the validation folds of the development set."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from components.contracts.errors import InputError
from components.contracts.imageset import fold_count

MOST_PARTS = 20  # a test share is approached by k of m parts, m at most this


def draw_test_set(
    labels: np.ndarray, groups: np.ndarray, classes: Sequence[str], share: float, seed: int, known: bool = False
) -> np.ndarray:
    """Draw a test set of about `share` of the images, by group and stratified by class; returns a mask (bool, N).

    `known` says that groups come from a table too, not from duplicates alone, for messages. Raises InputError if a
    class has a single group, or if the groups can't be parted so that both sides hold every class.
    """
    fewest = _fewest_groups(labels, groups, classes, 2, "test_share", "give a test/ folder or more images", known)
    parts = Fraction(share).limit_denominator(min(MOST_PARTS, fewest))
    count, taken = (parts.denominator, parts.numerator) if 0 < parts < 1 else (min(MOST_PARTS, fewest), 1)
    test = _parts(labels, groups, count, seed) < taken
    for label, name in enumerate(classes):
        if len(set(test[labels == label])) < 2:
            raise InputError(
                f"test_share: {name}: {share:g} of its images can't be parted from the others without cutting through "
                f"a group (the largest group holds {_largest(groups)} images); give a test/ folder or smaller groups"
            )
    return test


def deal_test_folds(
    labels: np.ndarray, groups: np.ndarray, classes: Sequence[str], count: int, seed: int, known: bool = False
) -> np.ndarray:
    """Number the test folds that all images are dealt into, by group and stratified by class: int64, N, from 0.

    Raises InputError if a fold would be without a class.
    """
    _fewest_groups(labels, groups, classes, count, "test_folds", "lower it or give more images", known)
    return _every_class_in_each(_parts(labels, groups, count, seed), labels, groups, classes, count, "test_folds")


def validation_folds(
    labels: np.ndarray, groups: np.ndarray, classes: Sequence[str], share: float, seed: int, known: bool = False
) -> np.ndarray:
    """Number the validation folds of the development set: int64, N, from 0.

    There are max(2, round(1 / share)) folds, by group and stratified by class. Raises InputError if a fold would be
    without a class.
    """
    count = fold_count(share)
    _fewest_groups(labels, groups, classes, count, "validation_share", "raise it or give more images", known)
    folds = _parts(labels, groups, count, seed)
    return _every_class_in_each(folds, labels, groups, classes, count, "validation_share")


def _every_class_in_each(
    folds: np.ndarray, labels: np.ndarray, groups: np.ndarray, classes: Sequence[str], count: int, parameter: str
) -> np.ndarray:
    kind, remedy = {
        "test_folds": ("test folds", "lower test_folds"),
        "validation_share": ("validation folds", "raise validation_share"),
    }[parameter]
    for label, name in enumerate(classes):
        if len(set(folds[labels == label])) < count:
            raise InputError(
                f"{parameter}: {name}: its images can't be spread over {count} {kind} without cutting through a group "
                f"(the largest group holds {_largest(groups)} images); {remedy}"
            )
    return folds


def _parts(labels: np.ndarray, groups: np.ndarray, count: int, seed: int) -> np.ndarray:
    parts = np.empty(len(labels), dtype=np.int64)
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    for number, (_, rows) in enumerate(splitter.split(labels, labels, groups)):
        parts[rows] = number
    return parts


def _fewest_groups(
    labels: np.ndarray,
    groups: np.ndarray,
    classes: Sequence[str],
    needed: int,
    parameter: str,
    remedy: str,
    known: bool,
) -> int:
    """Return the number of groups of the class that has fewest; raises InputError if that is below `needed`."""
    counts = {name: len(set(groups[labels == label])) for label, name in enumerate(classes)}
    name = min(counts, key=lambda name: counts[name])
    if counts[name] < needed:
        raise InputError(
            f"{parameter}: {name} has images of {counts[name]} {_kind(known)}, at least {needed} are needed; {remedy}"
        )
    return counts[name]


def _kind(known: bool) -> str:
    """What groups are: without a table, duplicates alone tell them."""
    return "groups (lesions, patients)" if known else "pictures that differ (duplicates count once)"


def _largest(groups: np.ndarray) -> int:
    return int(np.unique(groups, return_counts=True)[1].max())
