"""The data report: what was found in a data set, as one dictionary (data_report.json)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from components.contracts.imageset import ImageSet
from components.data_set.data_set import DataSet
from components.data_set.words import count, shown
from components.pictures.decode import DARK, SIXTEEN_BITS
from components.pictures.reading import Reading
from components.pictures.similarity import side_by_side
from components.prepare.duplicates import Pairs
from components.prepare.kinds import telling_kinds
from components.prepare.leaks import Leaks

MOST_LISTED = 1000  # pairs
MOST_PICTURES = 10


@dataclass(frozen=True)
class Findings:
    """What was found among all readable images; masks are bool, N.

    `left_out` are development images that leak and are dropped, `conflict` images with equal pixels under another
    label; those that are dropped for it aren't `usable`.
    """

    exact: Pairs
    near: Pairs
    leaks: Leaks
    left_out: np.ndarray
    conflict: np.ndarray
    usable: np.ndarray


def data_report(
    data_set: DataSet, whole: ImageSet, reading: Reading, found: Findings, on_leak: str, on_conflict: str
) -> dict[str, Any]:
    """Return the report on a data set as a dictionary for JSON.

    `whole` holds all readable images, also those left out because they leak or have two labels. Lists of pairs hold the
    1000 worst, with the number of all beside them. The digest covers paths, labels and pixels. `table` tells how the
    user's table was understood (None without one); `warnings` are lines about all that deserves a look.
    """
    exact, near, leaks, left_out = found.exact, found.near, found.leaks, found.left_out
    listed = {file.path for file in reading.files if file.group}
    both = Pairs(*(np.concatenate(columns) for columns in zip(exact.columns, near.columns, strict=True)))
    differ = both.chosen(whole.labels[both.first] != whole.labels[both.second])
    kept = {"development": (whole.splits == "development") & ~left_out & found.usable, "test": whole.splits == "test"}
    report = {
        "name": whole.name,
        "notice": whole.notice,
        "digest": replace(whole, groups=np.full(len(whole), "")).digest(),
        "classes": list(whole.classes),
        "counts": {
            split: {name: int(np.sum(mask & (whole.labels == label))) for label, name in enumerate(whole.classes)}
            for split, mask in kept.items()
        },
        "files": len(reading.files) + len(reading.refused),
        "refused": [{"path": file.path, "reason": reason} for file, reason in reading.refused],
        "converted": reading.converted,
        "exact_duplicates": _entries(exact, whole),
        "exact_duplicate_count": len(exact),
        "near_duplicates": _entries(near, whole),
        "near_duplicate_count": len(near),
        "conflicting_labels": _entries(differ, whole),
        "conflicting_label_count": len(differ),
        "leaks": {
            "test_images": int(leaks.test.sum()),
            "development_images": int(leaks.development.sum()),
            "by_group_table": int(leaks.test_by_table.sum()),
            "by_near_duplicate": int(leaks.test_by_similarity.sum()),
            "dropped": int(left_out.sum()),
            "policy": on_leak,
        },
        "conflicts": {
            "images": int(found.conflict.sum()),
            "dropped": int(np.sum(~found.usable)),
            "policy": on_conflict,
        },
        "groups": {
            "given": bool(listed),
            "count": len(np.unique(whole.groups)),
            "unlisted": sum(path not in listed for path in whole.paths.tolist()),
            "largest": int(np.unique(whole.groups, return_counts=True)[1].max()),
        },
        "worst_pairs": _worst(both, whole),
        "understood": data_set.understood(),
        "table": data_set.table.to_json() if data_set.table else None,
        "subgroups": {name: _numbers(values) for name, values in whole.subgroups.items()},
    }
    said = [*_warnings(report, whole, near), *telling_kinds(reading)]
    return report | {"warnings": [*data_set.warnings, *said]}


def refused_files(refused: Sequence[dict[str, str]]) -> list[str]:
    """Return how many files were left out, and the first with its reason, in a line; no line without any."""
    if not refused:
        return []
    first = refused[0]
    return [
        f"left out {count(len(refused), 'file')} that can't be used, first {shown(first['path'])}: "
        f"{shown(first['reason'])}"
    ]


def _warnings(report: dict[str, Any], whole: ImageSet, near: Pairs) -> list[str]:
    """Return what the pixels showed that deserves a look, a line each."""
    alike = near.chosen(whole.labels[near.first] != whole.labels[near.second])
    said = refused_files(report["refused"])
    conflicts = report["conflicts"]
    if conflicts["images"]:
        pair = next(pair for pair in report["conflicting_labels"] if pair["correlation"] == 1)
        done = "all left out" if conflicts["dropped"] else "kept"
        said.append(
            f"{count(conflicts['images'], 'image')} with equal pixels under two labels, {done} (on_conflict: "
            f"{conflicts['policy']}), first {shown(pair['a'])} and {shown(pair['b'])}"
        )
    if len(alike):
        first, second = whole.paths[alike.first[0]], whole.paths[alike.second[0]]
        said.append(
            f"{count(len(alike), 'pair')} of near-duplicates under different labels, such as {shown(str(first))} and "
            f"{shown(str(second))}; look whether they are one picture"
        )
    leaks = report["leaks"]
    if leaks["test_images"]:
        done = (
            f"{leaks['dropped']:,} left out" if leaks["dropped"] else "kept, so results may look better than they are"
        )
        said.append(
            f"{count(leaks['test_images'], 'test image')} with relatives among {leaks['development_images']:,} images "
            f"to learn from: {done} (on_leak: {leaks['policy']})"
        )
    deep, dark = (
        report["converted"].get(SIXTEEN_BITS, 0),
        {bits: report["converted"][note] for bits, note in DARK.items() if note in report["converted"]},
    )
    if dark:
        bits, number = max(dark), sum(dark.values())
        remedy = f"set bits_used={bits}" if number == deep else "bring all files to one range"
        said.append(
            f"{number:,} of {count(deep, 'file')} of 16 bits hold no value above {2**bits - 1}, as {bits}-bit pictures "
            f"do: they turn out too dark; {remedy}"
        )
    return said


def _numbers(values: np.ndarray) -> dict[str, int]:
    names, numbers = np.unique(values, return_counts=True)
    return {str(name): int(number) for name, number in zip(names, numbers, strict=True)}


def _entries(pairs: Pairs, whole: ImageSet) -> list[dict[str, Any]]:
    """Return the first 1000 pairs as dictionaries."""
    return [
        {
            "a": str(whole.paths[first]),
            "b": str(whole.paths[second]),
            "correlation": float(correlation),
            "across_splits": bool(whole.splits[first] != whole.splits[second]),
            "same_label": bool(whole.labels[first] == whole.labels[second]),
        }
        for first, second, correlation in zip(*(column[:MOST_LISTED] for column in pairs.columns), strict=True)
    ]


def _worst(pairs: Pairs, whole: ImageSet) -> list[dict[str, Any]]:
    """Return up to 10 pairs with a picture of both: conflicting labels first, then leaks, then the most alike."""
    differ = whole.labels[pairs.first] != whole.labels[pairs.second]
    across = whole.splits[pairs.first] != whole.splits[pairs.second]
    order = np.lexsort((pairs.second, pairs.first, -pairs.correlation, ~across, ~differ))[:MOST_PICTURES]
    worst = pairs.chosen(order)
    pictures = [
        side_by_side(whole.images[first], whole.images[second])
        for first, second in zip(worst.first, worst.second, strict=True)
    ]
    return [entry | {"picture": picture} for entry, picture in zip(_entries(worst, whole), pictures, strict=True)]
