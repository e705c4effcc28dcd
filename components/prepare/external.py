"""External test sets: read, grouped, and held against the data set, for whoever learnt from a picture knows it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from components.contracts.errors import InputError
from components.contracts.imageset import ImageSet, pixels_written, read_pixels, write_rows
from components.contracts.pixels import pieces
from components.data_set.external_test_sets import ExternalTestSet, check_external_files
from components.data_set.words import count, shown
from components.pictures.reading import Reading, read_images, scratch_beside
from components.pictures.similarity import side_by_side
from components.prepare.conflicts import conflicting, left_out_for_conflict
from components.prepare.duplicates import Pairs, exact_duplicates, near_duplicates
from components.prepare.groups import connected, group_names, table_links
from components.prepare.report import refused_files

MOST_PICTURES = 10


@dataclass(frozen=True)
class ExternalSettings:
    """The settings of `prepare` that external test sets obey as well; the positive class is that of the data set."""

    max_bad_share: float
    on_leak: str
    on_conflict: str
    near_duplicate_correlation: float
    bits_used: int
    threads: int


def prepare_external(
    sets: Sequence[ExternalTestSet],
    own: ImageSet,
    thumbnails: np.ndarray,
    settings: ExternalSettings,
    folder: str | Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[dict[str, Any]]:
    """Read all external test sets; write them as one image set, whose splits are their names, and report on each.

    `own` are all images of the data set, with their `thumbnails` (uint8, N x 32 x 32 x 3). What shows the same as one
    of them is left out with all of its group, kept or refused, as `on_leak` says. Groups of two tables are never taken
    for one: numbers of patients begin anew in each hospital. Raises InputError for a set that nothing could be measured
    on.
    """
    rows: list[ImageSet] = []
    reports: list[dict[str, Any]] = []
    with pixels_written(folder, own.image_size) as add:
        for one in sets:
            reading = read_images(
                one.data_set,
                own.image_size,
                settings.threads,
                progress,
                bits_used=settings.bits_used,
                scratch=scratch_beside(folder),
            )
            reasons = {file.path: reason for file, reason in reading.refused}
            check_external_files(one.name, one.data_set, reasons, settings.max_bad_share)
            found = _hold_against(one, reading, own, thumbnails, settings)
            kept = np.flatnonzero(~found.left_out & found.usable)
            _refuse_empty(one, found, kept, own)
            for piece in pieces(reading.images, kept):
                add(piece)
            rows.append(found.whole.subset(kept, pixels=False))
            reports.append(_report(one, reading, found, kept, own, settings))
    write_rows(folder, _joined(rows, own, read_pixels(folder)))
    return reports


@dataclass(frozen=True)
class _Found:
    """What one set holds (`whole`, all readable images) and what was found; masks are bool, N.

    `shared` are images whose group holds an image of the data set, `left_out` those of them that are dropped;
    `conflict` images with equal pixels under another label, which aren't `usable` if they are dropped. `pairs` tie
    its rows (`first`) to rows of the data set (`second`).
    """

    whole: ImageSet
    shared: np.ndarray
    left_out: np.ndarray
    conflict: np.ndarray
    usable: np.ndarray
    pairs: Pairs


def _hold_against(
    one: ExternalTestSet, reading: Reading, own: ImageSet, thumbnails: np.ndarray, settings: ExternalSettings
) -> _Found:
    paths = [file.path for file in reading.files]
    size = len(paths)
    labels = np.array([own.classes.index(file.label) for file in reading.files], dtype=np.int64)
    exact = exact_duplicates(np.concatenate([reading.sha256, own.sha256]))
    single = np.setdiff1d(np.arange(size + len(own)), exact.second)
    both = np.concatenate([reading.thumbnails, thumbnails])[single]
    first = int(np.searchsorted(single, size))
    near = near_duplicates(both, settings.near_duplicate_correlation, settings.threads, first)
    near = Pairs(single[near.first], single[near.second], near.correlation)
    similar = [(pairs.first, pairs.second) for pairs in (exact, near)]
    listed = {file.path: file.group for file in reading.files if file.group}
    components = connected(size + len(own), table_links(listed, paths), *similar)
    shared = np.isin(components[:size], components[size:])
    alike = Pairs(*(np.concatenate(columns) for columns in zip(exact.columns, near.columns, strict=True)))
    across = alike.chosen((alike.first < size) & (alike.second >= size))
    pairs = Pairs(across.first, across.second - size, across.correlation)
    inside = exact.chosen((exact.first < size) & (exact.second < size))
    conflict = conflicting(reading.sha256, labels)
    whole = replace(
        own,
        images=reading.images,
        paths=np.array(paths, dtype=np.str_),
        labels=labels,
        splits=np.full(size, one.name),
        folds=np.full(size, -1),
        groups=np.array([f"{one.name}/{name}" for name in group_names(components[:size], listed, paths)]),
        sha256=reading.sha256,
        subgroups={},
    )
    _refuse_shared(one, whole, own, shared, pairs, settings.on_leak)
    return _Found(
        whole,
        shared,
        shared if settings.on_leak == "drop" else np.zeros(size, dtype=bool),
        conflict,
        ~left_out_for_conflict(conflict, labels, inside, paths, settings.on_conflict),
        pairs,
    )


def _refuse_shared(
    one: ExternalTestSet, whole: ImageSet, own: ImageSet, shared: np.ndarray, pairs: Pairs, policy: str
) -> None:
    if policy == "fail" and shared.any():
        first, second = shown(str(whole.paths[pairs.first[0]])), shown(str(own.paths[pairs.second[0]]))
        raise InputError(
            f"on_leak: {count(int(shared.sum()), 'image')} of the external test set {one.name} share a group with the "
            f"data set, first {first} with {second}; set on_leak to drop to leave them out, or mend the set"
        )


def _refuse_empty(one: ExternalTestSet, found: _Found, kept: np.ndarray, own: ImageSet) -> None:
    positive = own.classes.index(own.positive_class)
    kinds = np.unique(found.whole.labels[kept] == positive)
    if len(kinds) < 2:
        lacking = f"none of {shown(own.positive_class)}" if not kinds.any() else f"only {shown(own.positive_class)}"
        raise InputError(
            f"external_test_sets: {one.name}: of {count(len(found.shared), 'image')}, {int(found.shared.sum()):,} are "
            f"in the data set too and {int(np.sum(~found.usable)):,} have two labels; {lacking} would be left: give "
            "images from elsewhere"
        )


def _report(
    one: ExternalTestSet,
    reading: Reading,
    found: _Found,
    kept: np.ndarray,
    own: ImageSet,
    settings: ExternalSettings,
) -> dict[str, Any]:
    left = found.whole.subset(kept, pixels=False)
    counts = left.counts()
    of_development = own.splits[found.pairs.second] == "development"
    report = {
        "name": one.name,
        "data_set": one.data_set.name,
        "notice": one.data_set.notice,
        "digest": replace(left, groups=np.full(len(left), "")).digest(),
        "counts": counts,
        "lacking": [name for name, number in counts.items() if not number],
        "files": len(reading.files) + len(reading.refused),
        "refused": [{"path": file.path, "reason": reason} for file, reason in reading.refused],
        "groups": len(np.unique(left.groups)),
        "shared": {
            "images": int(found.shared.sum()),
            "like_development": len(np.unique(found.pairs.first[of_development])),
            "like_test": len(np.unique(found.pairs.first[~of_development])),
            "dropped": int(found.left_out.sum()),
            "policy": settings.on_leak,
            "pairs": [
                {
                    "external": str(found.whole.paths[first]),
                    "own": str(own.paths[second]),
                    "correlation": float(correlation),
                    "picture": side_by_side(reading.images[first], own.images[second]),
                }
                for first, second, correlation in zip(
                    *(column[:MOST_PICTURES] for column in found.pairs.columns), strict=True
                )
            ],
        },
        "conflicts": {
            "images": int(found.conflict.sum()),
            "dropped": int(np.sum(~found.usable)),
            "policy": settings.on_conflict,
        },
        "understood": one.understood(),
    }
    return report | {"warnings": [*one.data_set.warnings, *_warnings(report)]}


def _warnings(report: dict[str, Any]) -> list[str]:
    said = refused_files(report["refused"])
    shared = report["shared"]
    if shared["images"]:
        done = "left out" if shared["dropped"] else "kept, so results there may look better than they are"
        said.append(
            f"{count(shared['images'], 'image')} in groups that the data set has too ({shared['like_development']:,} "
            f"like development, {shared['like_test']:,} like test images), {done} (on_leak: {shared['policy']})"
        )
    conflicts = report["conflicts"]
    if conflicts["images"]:
        done = "all left out" if conflicts["dropped"] else "kept"
        said.append(
            f"{count(conflicts['images'], 'image')} with equal pixels under two labels, {done} (on_conflict: "
            f"{conflicts['policy']})"
        )
    return said


def _joined(parts: Sequence[ImageSet], own: ImageSet, images: np.ndarray) -> ImageSet:
    def column(name: str, empty: np.ndarray) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts]) if parts else empty

    text, numbers = np.empty(0, dtype=np.str_), np.empty(0, dtype=np.int64)
    columns: dict[str, Any] = {name: column(name, text) for name in ("paths", "splits", "groups", "sha256")}
    columns |= {name: column(name, numbers) for name in ("labels", "folds")}
    return replace(own, images=images, subgroups={}, **columns)
