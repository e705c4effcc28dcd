"""Conflicts: the same picture under two labels, of which at most one can be right."""

from collections.abc import Sequence

import numpy as np

from components.contracts.errors import InputError
from components.prepare.duplicates import Pairs
from components.prepare.leaks import POLICIES


def conflicting(sha256: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the mask (bool, N) of images whose exact pixels stand under more than one label."""
    _, picture = np.unique(sha256, return_inverse=True)
    pairs = np.unique(np.column_stack([picture, labels]), axis=0)
    labels_of = np.bincount(pairs[:, 0], minlength=len(sha256))
    return labels_of[picture] > 1


def left_out_for_conflict(
    conflict: np.ndarray, labels: np.ndarray, exact: Pairs, paths: Sequence[str], policy: str
) -> np.ndarray:
    """Return the mask (bool, N) of images to leave out of both sets under a policy: drop, keep or fail.

    `exact` are the pairs of equal pixels. Raises InputError that names the first pair if the policy is "fail" and there
    is a conflict.
    """
    if policy not in POLICIES:
        raise InputError(f"on_conflict: '{policy}' is not a policy; choose {', '.join(POLICIES)}")
    if policy == "fail" and conflict.any():
        differ = exact.chosen(labels[exact.first] != labels[exact.second])
        first, second = paths[differ.first[0]], paths[differ.second[0]]
        raise InputError(
            f"on_conflict: {conflict.sum()} images stand under two labels with equal pixels, first {first} and "
            f"{second}; mend the data, or set on_conflict to drop to leave them out"
        )
    return conflict if policy == "drop" else np.zeros_like(conflict)
