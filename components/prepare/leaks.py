"""Leaks: images to learn from that show what the test set shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.contracts.errors import InputError

POLICIES = ("drop", "keep", "fail")


@dataclass(frozen=True)
class Leaks:
    """Masks (bool, N) of what leaks: test images, by their cause and all of them, and development images."""

    test: np.ndarray
    test_by_table: np.ndarray
    test_by_similarity: np.ndarray
    development: np.ndarray


def find_leaks(
    groups: np.ndarray, by_table: np.ndarray, by_similarity: np.ndarray, test: np.ndarray, development: np.ndarray
) -> Leaks:
    """Find the groups on both sides of the split; `test` and `development` are masks (bool, N).

    `groups`, `by_table` and `by_similarity` (any type, N) say which images belong together: by all that is known, by
    the user's table alone, and by duplicates and near-duplicates alone.
    """
    across = _on_both_sides(groups, test, development)
    return Leaks(
        test=across & test,
        test_by_table=_on_both_sides(by_table, test, development) & test,
        test_by_similarity=_on_both_sides(by_similarity, test, development) & test,
        development=across & development,
    )


def dropped(leaks: Leaks, groups: np.ndarray, paths: Sequence[str], policy: str) -> np.ndarray:
    """Return the mask (bool, N) of development images to leave out under a policy: drop, keep or fail.

    Raises InputError that names the first pair if the policy is "fail" and there is a leak.
    """
    if policy not in POLICIES:
        raise InputError(f"on_leak: '{policy}' is not a policy; choose {', '.join(POLICIES)}")
    if policy == "fail" and leaks.test.any():
        first = int(np.flatnonzero(leaks.test)[0])
        other = int(np.flatnonzero(leaks.development & (groups == groups[first]))[0])
        raise InputError(
            f"on_leak: {leaks.test.sum()} test images share a group with {leaks.development.sum()} development images, "
            f"first {paths[first]} with {paths[other]}; set on_leak to drop to leave the latter out, or mend the data"
        )
    return leaks.development if policy == "drop" else np.zeros_like(leaks.development)


def _on_both_sides(groups: np.ndarray, test: np.ndarray, development: np.ndarray) -> np.ndarray:
    return np.isin(groups, groups[test]) & np.isin(groups, groups[development])
