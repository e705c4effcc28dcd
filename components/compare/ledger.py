"""The misdiagnosis ledger: every test image whose diagnosis an arm changes against `real`."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from components.compare.evaluations import Evaluation
from components.contracts.arms import parse_arm
from components.contracts.files import whole_file
from components.contracts.imageset import ImageSet
from components.contracts.metrics import decisions
from components.contracts.pixels import pieces
from components.contracts.plain_text import spreadsheet_cell

KINDS = ("missed disease", "false alarm", "found disease", "cleared", "other")
_SIDE = 16  # pixels: images are compared as small pictures, where noise and single pixels do not count
_NEAREST = 3
_CHUNK = 256  # changed images compared with all synthetic ones at once


@dataclass(frozen=True)
class Change:
    """One test image that `arm` decides otherwise than `real`, by the mean probability over the replicates.

    `kind`: "missed disease" (positive; only real says so), "false alarm" (not positive; only the arm says so),
    "found disease" (positive; only the arm says so), "cleared" (not positive; only real says so) or "other" (beyond
    two classes: neither or both say positive). Probabilities are of the positive class, in 0..1. `*_wrong_replicates`
    counts the replicates that decide wrongly. `nearest_*` are the synthetic images nearest to it among those the arm
    trained on, and their distances: root mean square difference of pixels at 16 x 16, in 0..1 ("" and None if none).
    """

    arm: str
    kind: str
    path: str
    label: str
    real_prediction: str
    arm_prediction: str
    real_probability: float
    arm_probability: float
    real_wrong_replicates: int
    arm_wrong_replicates: int
    nearest_1: str = ""
    nearest_1_distance: float | None = None
    nearest_2: str = ""
    nearest_2_distance: float | None = None
    nearest_3: str = ""
    nearest_3_distance: float | None = None


COLUMNS = tuple(field.name for field in fields(Change))


def find_changes(
    evaluations: Sequence[Evaluation],
    test: ImageSet,
    synthetic: ImageSet,
    positive_class: str,
) -> list[Change]:
    """Return the changes of all arms, `in_order`."""
    positive = test.classes.index(positive_class)
    real = next(evaluation for evaluation in evaluations if evaluation.arm == "real")
    real_mean = real.mean_prediction()
    before, real_wrong = decisions(real_mean, positive), _wrong(real, test.labels, positive)
    used = [_used_rows(evaluation, synthetic) for evaluation in evaluations]
    small = _SmallPictures(synthetic.images, np.unique(np.concatenate(used)))
    changes = []
    for evaluation, own in zip(evaluations, used, strict=True):
        mean = evaluation.mean_prediction()
        after, wrong = decisions(mean, positive), _wrong(evaluation, test.labels, positive)
        rows = np.flatnonzero(after != before)
        kinds = _kinds(test.labels[rows] == positive, before[rows] == positive, after[rows] == positive)
        nearest = _nearest(test.images, rows, small, synthetic.paths, own)
        for row, kind, near in zip(rows, kinds, nearest, strict=True):
            change = Change(
                evaluation.arm,
                KINDS[kind],
                str(test.paths[row]),
                test.classes[test.labels[row]],
                test.classes[before[row]],
                test.classes[after[row]],
                round(float(real_mean[row, positive]), 6),
                round(float(mean[row, positive]), 6),
                int(real_wrong[row]),
                int(wrong[row]),
                *near,
            )
            changes.append(change)
    return in_order(changes, [evaluation.arm for evaluation in evaluations])


def in_order(changes: Sequence[Change], arms: Sequence[str]) -> list[Change]:
    """Sort changes: missed disease first, then by arm, the largest change of probability first."""

    def key(change: Change) -> tuple[int, int, float, str]:
        moved = abs(change.arm_probability - change.real_probability)
        return KINDS.index(change.kind), arms.index(change.arm), -moved, change.path

    return sorted(changes, key=key)


def write_ledger(path: str | Path, changes: Sequence[Change]) -> None:
    """Write the ledger as CSV, whole or not at all; a missing distance is an empty field, and no text is a formula."""
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for change in changes:
            cells = vars(change).items()
            writer.writerow({key: spreadsheet_cell(cell) if isinstance(cell, str) else cell for key, cell in cells})


def _wrong(evaluation: Evaluation, labels: np.ndarray, positive: int) -> np.ndarray:
    return sum(decisions(p, positive) != labels for p in evaluation.probabilities)


def _kinds(is_positive: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the indices into KINDS of changed decisions; all arrays bool, True = positive."""
    lost, gained = before & ~after, ~before & after
    return np.select([lost & is_positive, gained & ~is_positive, gained, lost], [0, 1, 2, 3], 4)


def _used_rows(evaluation: Evaluation, synthetic: ImageSet) -> np.ndarray:
    """Return the rows of the synthetic images that any replicate of the arm trained on."""
    arm = parse_arm(evaluation.arm)
    if not arm.uses_synthetic:
        return np.array([], dtype=np.int64)
    if arm.amount == "all":  # draws of a source may have different numbers of images
        return np.flatnonzero(np.isin(synthetic.groups, [trained["generator"] for trained in evaluation.replicates]))
    rows = [
        synthetic.synthetic_rows(synthetic.classes.index(name), trained["generator"], count, replicate)
        for replicate, trained in enumerate(evaluation.replicates)
        for name, count in evaluation.synthetic_per_class.items()
    ]
    return np.unique(np.concatenate(rows))


class _SmallPictures:
    """Some rows of images as small pictures, made once for all arms."""

    def __init__(self, images: np.ndarray, rows: np.ndarray) -> None:
        self._rows = rows
        self._pictures = np.concatenate([_small(piece) for piece in pieces(images, rows)]) if len(rows) else rows

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Return the small pictures of rows that are among them."""
        return self._pictures[np.searchsorted(self._rows, rows)]


def _nearest(
    images: np.ndarray, rows: np.ndarray, small: _SmallPictures, paths: np.ndarray, used: np.ndarray
) -> list[list]:
    """Return for each test image in `rows` its nearest synthetic images: path, distance, path, distance, ..."""
    count = min(_NEAREST, len(used))
    if not count or not len(rows):
        return [[] for _ in rows]
    candidates = small.of(used)
    squares = (candidates**2).sum(axis=1)
    found = []
    for start in range(0, len(rows), _CHUNK):
        queries = _small(images[rows[start : start + _CHUNK]])
        closeness = squares - 2 * queries @ candidates.T
        best = np.argpartition(closeness, count - 1, axis=1)[:, :count]
        distances = np.sqrt(((queries[:, None] - candidates[best]) ** 2).mean(axis=2))
        for order, far, near in zip(distances.argsort(axis=1, kind="stable"), distances, best, strict=True):
            found.append([x for i in order for x in (str(paths[used[near[i]]]), round(float(far[i]), 6))])
    return found


def _small(images: np.ndarray) -> np.ndarray:
    """Return images (uint8, N x S x S x 3) as rows of floats in 0..1, averaged over areas down to 16 x 16."""
    size = images.shape[1]
    side = min(_SIDE, size)
    edges = np.arange(side) * size // side
    areas = np.diff(np.append(edges, size)).astype(np.float32)
    sums = np.add.reduceat(np.add.reduceat(images, edges, axis=1, dtype=np.float32), edges, axis=2)
    return (sums / (areas[:, None, None] * areas[:, None] * 255)).reshape(len(images), -1)
