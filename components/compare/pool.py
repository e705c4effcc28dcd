"""Puts what the runs of several test folds found together, as if one run had tested on all images."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from components.compare.evaluations import Evaluation
from components.compare.ledger import Change, in_order
from components.contracts.errors import InputError
from components.contracts.imageset import ImageSet


class _Stacked:
    """Pixels of several image sets, one behind the other, that stay where they lie until rows of them are asked for."""

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        self._arrays = arrays
        self._starts = np.cumsum([0, *map(len, arrays)])
        self.dtype = arrays[0].dtype
        self.shape = (int(self._starts[-1]), *arrays[0].shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        if np.ndim(rows):
            return np.stack([self[row] for row in np.arange(len(self))[rows]])
        part = int(np.searchsorted(self._starts, rows, side="right")) - 1
        return np.asarray(self._arrays[part][rows - self._starts[part]])


def stack_sets(sets: Sequence[ImageSet], prefixes: Sequence[str] = ()) -> ImageSet:
    """Return the rows of several image sets, one behind the other; `prefixes` go before the paths of each."""
    first = sets[0]
    rows: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in sets])
        for name in ("labels", "splits", "folds", "groups", "sha256")
    }
    paths = [np.char.add(prefix, one.paths) for prefix, one in zip(prefixes or [""] * len(sets), sets, strict=True)]
    return replace(
        first,
        **rows,
        images=cast(np.ndarray, _Stacked([one.images for one in sets])),
        paths=np.concatenate(paths),
        subgroups={name: np.concatenate([one.subgroups[name] for one in sets]) for name in first.subgroups},
    )


def pool_tests(tests: Sequence[ImageSet]) -> ImageSet:
    """Return the test sets of all folds as one; raises InputError where they are not the folds of one data set."""
    pooled = stack_sets(tests)
    folds = [sorted(set(test.folds.tolist())) for test in tests]
    if folds != [[number] for number in range(len(tests))] or len(set(pooled.paths)) < len(pooled):
        raise InputError("test_folds: the runs are not each one fold of the same data; repeat them in a new folder")
    return pooled


def pool_evaluations(folds: Sequence[Sequence[Evaluation]]) -> list[Evaluation]:
    """Return an evaluation an arm over the pooled test set; numbers of training images are means over the folds.

    External images, which are the same for all folds, are predicted by the replicates of all of them.

    Raises InputError where the folds have different numbers of replicates.
    """
    found = []
    for same in zip(*folds, strict=True):
        if len({len(one.probabilities) for one in same}) > 1:
            raise InputError(f"test_folds: arm '{same[0].arm}' has more replicates in one fold than in another")
        counts = [one.synthetic_per_class for one in same]
        found.append(
            replace(
                same[0],
                probabilities=np.concatenate([one.probabilities for one in same], axis=1),
                synthetic_per_class={name: round(float(np.mean([of[name] for of in counts]))) for name in counts[0]},
                training_images=round(float(np.mean([one.training_images for one in same]))),
                elsewhere=np.concatenate([one.elsewhere for one in same], axis=0),
                replicates=[_in_fold(k, replicate) for k, one in enumerate(same) for replicate in one.replicates],
            )
        )
    return found


def _in_fold(number: int, replicate: dict[str, Any]) -> dict[str, Any]:
    """Return a replicate with its fold, and its generator named so that no other fold's is taken for it."""
    generator = replicate["generator"] and f"{replicate['generator']} (fold {number + 1})"
    return {"test_fold": number} | replicate | {"generator": generator}


def pool_data_reports(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the first fold's report with the test images of all; its development images are about those of each."""
    first = reports[0]
    test = {name: sum(report["counts"]["test"][name] for report in reports) for name in first["classes"]}
    return first | {"counts": first["counts"] | {"test": test}}


def pool_audits(audits: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the audits of all folds as one, generators named with their fold."""
    lists = {
        key: [
            entry | {"generator": f"{entry['generator']} (fold {k + 1})"}
            for k, audit in enumerate(audits)
            for entry in audit[key]
        ]
        for key in ("quality", "memorisation")
    }
    return audits[0] | lists


def pool_copies(copies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the near-copies found in all folds as one copies.json: of the test sets, and of each external one."""
    first = copies[0]
    external = {name: pool_copies([one["external"][name] for one in copies]) for name in first.get("external", {})}
    generators = [entry for one in copies for entry in one["generators"]]
    return first | {"generators": generators} | ({"external": external} if "external" in first else {})


def pool_changes(folds: Sequence[Sequence[Change]], prefixes: Sequence[str], arms: Sequence[str]) -> list[Change]:
    """Return the changes of all folds in the ledger's order; `prefixes` go before the paths of synthetic images."""
    nearest = ("nearest_1", "nearest_2", "nearest_3")
    return in_order(
        [
            replace(change, **{name: prefix + getattr(change, name) for name in nearest if getattr(change, name)})
            for prefix, changes in zip(prefixes, folds, strict=True)
            for change in changes
        ],
        arms,
    )
