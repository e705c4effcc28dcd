"""The stage `prepare`: from a folder of image files to a development set, a test set and a data report."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from components.contracts.errors import InputError
from components.contracts.files import fresh_folder, write_json, write_text
from components.contracts.imageset import ImageSet, write_imageset
from components.contracts.machine import this_machine
from components.contracts.progress import report as say
from components.contracts.progress import warn
from components.data_set.checks import check_classes, check_files, listed_reasons
from components.data_set.data_set import DataSet
from components.data_set.external_test_sets import ExternalTestSet
from components.pictures.reading import Reading, read_images, scratch_beside
from components.prepare.conflicts import conflicting, left_out_for_conflict
from components.prepare.duplicates import Pairs, exact_duplicates, near_duplicates
from components.prepare.external import ExternalSettings, prepare_external
from components.prepare.groups import connected, group_names, table_links
from components.prepare.leaks import dropped, find_leaks
from components.prepare.page import report_html
from components.prepare.report import Findings, data_report
from components.prepare.split import deal_test_folds, draw_test_set, validation_folds

MOST_THREADS = 8


@dataclass(frozen=True)
class PrepareSettings:
    """What a user sets for this stage.

    `positive_class` is one of the classes; `image_size` in pixels; shares in 0..1; `test_folds` and `test_fold`
    how many test folds there are, 1 for a single test set, and which of them is this one; `on_leak` and `on_conflict`
    are "drop", "keep" or "fail"; `smallest_class` is the least number of images of a class that a GAN needs to learn
    from (its batch), 0 without GANs; `bits_used` of 16 hold a grey value (see `decode`); `threads` changes the speed,
    never the result.
    """

    positive_class: str
    image_size: int = 32
    test_share: float = 0.2
    test_folds: int = 1
    test_fold: int = 0
    validation_share: float = 0.2
    max_bad_share: float = 0.05
    bits_used: int = 16
    on_leak: str = "drop"
    on_conflict: str = "drop"
    near_duplicate_correlation: float = 0.99
    seed: int = 0
    smallest_class: int = 0
    threads: int = field(default_factory=lambda: min(MOST_THREADS, this_machine().cores))


def prepare(
    data_set: DataSet,
    settings: PrepareSettings,
    development_folder: str | Path,
    test_folder: str | Path,
    report_folder: str | Path,
    page: str | Path,
    external_folder: str | Path,
    external_sets: Sequence[ExternalTestSet] = (),
) -> None:
    """Read a data set once; write its development set, its test set, data_report.json and the report as a page (HTML).

    The test set is the folder test/ where there is one, else drawn by group. With several test folds the images of
    train/ and test/ are one pool, dealt into folds by the seed: the same ones in every run. No group stands on both
    sides of a drawn split or of a validation fold. External test sets become one more image set, empty where there are
    none. Raises InputError for all that training couldn't be done with, before anything is written.
    """
    if settings.test_folds > 1:
        data_set = data_set.pooled()
    check_classes(data_set)
    check_files(data_set, listed_reasons(data_set), settings.max_bad_share)
    _refuse_listed(data_set, settings)
    reading = read_images(
        data_set,
        settings.image_size,
        settings.threads,
        lambda done, total: say("prepare", "-", done, total, "images"),
        bits_used=settings.bits_used,
        scratch=scratch_beside(development_folder),
    )
    check_files(data_set, {file.path: reason for file, reason in reading.refused}, settings.max_bad_share)

    paths = [file.path for file in reading.files]
    listed = {file.path: file.group for file in reading.files if file.group}
    labels = np.array([data_set.classes.index(file.label) for file in reading.files], dtype=np.int64)
    exact, near = _duplicates(reading, settings)
    conflict = conflicting(reading.sha256, labels)
    usable = ~left_out_for_conflict(conflict, labels, exact, paths, settings.on_conflict)
    _refuse_missing(labels[usable], data_set.classes, "on_conflict: every image of {} stands under another label too")
    similar = [(pairs.first, pairs.second) for pairs in (exact, near)]
    by_table = table_links(listed, paths)
    groups = group_names(connected(len(paths), by_table, *similar), listed, paths)

    if data_set.has_test_folder:
        test = np.array([file.split == "test" for file in reading.files]) & usable
    else:
        test = np.zeros(len(paths), dtype=bool)
        known = (labels[usable], groups[usable], data_set.classes)
        if settings.test_folds > 1:
            folds = deal_test_folds(*known, settings.test_folds, settings.seed, bool(listed))
            test[usable] = folds == settings.test_fold
        else:
            test[usable] = draw_test_set(*known, settings.test_share, settings.seed, bool(listed))
    _refuse_missing(labels[test], data_set.classes, "data_set: no file of {} in test/ is an image that can be read")
    _refuse_missing(
        labels[~test & usable], data_set.classes, "data_set: no file of {} in train/ is an image that can be read"
    )
    leaks = find_leaks(groups, connected(len(paths), by_table), connected(len(paths), *similar), test, ~test & usable)
    left_out = dropped(leaks, groups, paths, settings.on_leak)
    development = ~test & ~left_out & usable
    _refuse_missing(
        labels[development], data_set.classes, "on_leak: every development image of {} shares a group with the test set"
    )
    folds = np.where(test & (settings.test_folds > 1), settings.test_fold, -1).astype(np.int64)
    folds[development] = validation_folds(
        labels[development],
        groups[development],
        data_set.classes,
        settings.validation_share,
        settings.seed,
        bool(listed),
    )
    _refuse_small(labels[development], folds[development], data_set.classes, settings.smallest_class)

    whole = ImageSet(
        name=data_set.name,
        notice=data_set.notice,
        classes=data_set.classes,
        positive_class=settings.positive_class,
        images=reading.images,
        paths=np.array(paths, dtype=np.str_),
        labels=labels,
        splits=np.where(test, "test", "development"),
        folds=folds,
        groups=groups,
        sha256=reading.sha256,
        subgroups={
            name: np.array([file.subgroups[number] for file in reading.files], dtype=np.str_)
            for number, name in enumerate(data_set.subgroups)
        },
    )
    found = Findings(exact, near, leaks, left_out, conflict, usable)
    report = data_report(data_set, whole, reading, found, settings.on_leak, settings.on_conflict)
    if settings.test_folds > 1:
        report["understood"].append(
            f"test folds: fold {settings.test_fold + 1} of {settings.test_folds}, of all images together, whole groups "
            "in one fold; what the data set itself calls test is not kept apart"
        )
    external = prepare_external(
        external_sets,
        whole,
        reading.thumbnails,
        ExternalSettings(
            settings.max_bad_share,
            settings.on_leak,
            settings.on_conflict,
            settings.near_duplicate_correlation,
            settings.bits_used,
            settings.threads,
        ),
        external_folder,
        lambda done, total: say("prepare", "-", done, total, "external images"),
    )
    report["external_test_sets"] = external
    for one in external:
        report["warnings"] += [f"external test set {one['name']}: {warning}" for warning in one["warnings"]]
    write_imageset(development_folder, whole, development)
    write_imageset(test_folder, whole, test)
    write_json(fresh_folder(report_folder) / "data_report.json", report)
    write_text(page, report_html(report))
    for warning in report["warnings"]:
        warn("prepare", "-", warning)


def _duplicates(reading: Reading, settings: PrepareSettings) -> tuple[Pairs, Pairs]:
    """Return exact and near-duplicates; of exact copies, only the first is searched for near ones."""
    exact = exact_duplicates(reading.sha256)
    single = np.setdiff1d(np.arange(len(reading.files)), exact.second)
    near = near_duplicates(reading.thumbnails[single], settings.near_duplicate_correlation, settings.threads)
    return exact, Pairs(single[near.first], single[near.second], near.correlation)


def _refuse_listed(data_set: DataSet, settings: PrepareSettings) -> None:
    """Refuse settings that the mere list of files shows to be unfit, before any is read."""
    if settings.positive_class not in data_set.classes:
        names = ", ".join(data_set.classes)
        raise InputError(f"positive_class: '{settings.positive_class}' is not one of the classes {names}")
    for name in data_set.classes:
        count = data_set.count(name, "train", "")
        if count < settings.smallest_class:
            raise InputError(_too_small(name, count, settings.smallest_class))


def _refuse_missing(labels: np.ndarray, classes: Sequence[str], message: str) -> None:
    for label, name in enumerate(classes):
        if not np.any(labels == label):
            raise InputError(message.format(name))


def _refuse_small(labels: np.ndarray, folds: np.ndarray, classes: Sequence[str], needed: int) -> None:
    """Refuse a class that, less any one validation fold, is smaller than a batch of its GAN."""
    for label, name in enumerate(classes):
        left = min(int(np.sum((labels == label) & (folds != fold))) for fold in range(folds.max() + 1))
        if left < needed:
            raise InputError(_too_small(name, left, needed))


def _too_small(name: str, count: int, needed: int) -> str:
    return (
        f"gan_batch_size: {name} has {count} images to learn from, a batch needs {needed}; "
        f"lower gan_batch_size to {count} or less, or give more images of {name}"
    )
