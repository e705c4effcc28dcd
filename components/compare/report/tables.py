"""The report's tables in the layout of the paper's tables 1 to 6, as plain rows for the template."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.compare.report import text as report_text
from components.compare.report.paper import PaperArm

COLUMNS = ("precision", "recall", "f1")


@dataclass(frozen=True)
class ClassificationRow:
    """One row of a classification report; `scores` are precision, recall and F1, None leaves a cell empty."""

    name: str
    support: int
    scores: tuple[float | None, ...]


@dataclass(frozen=True)
class Cell:
    """One cell of a confusion matrix: `count` images as written, `share` (0..1) of all images of the actual class."""

    count: str
    share: float
    correct: bool
    missed: bool


def class_order(classes: list[str], positive: str) -> list[str]:
    """Return the classes with the positive one first, as the paper's tables have it."""
    return [positive, *(name for name in classes if name != positive)]


def classification_rows(arm: dict[str, Any], order: list[str]) -> list[ClassificationRow]:
    """Return a row a class, then accuracy, macro and weighted averages (means over the replicates)."""
    mean = arm["mean"]
    of = mean["per_class"]
    total = sum(of[name]["support"] for name in order)
    return [
        *(ClassificationRow(name, of[name]["support"], tuple(of[name][key] for key in COLUMNS)) for name in order),
        ClassificationRow("Accuracy", total, (None, None, mean["accuracy"])),
        ClassificationRow("Macro average", total, tuple(sum(of[n][k] for n in order) / len(order) for k in COLUMNS)),
        ClassificationRow(
            "Weighted average", total, tuple(sum(of[n][k] * of[n]["support"] for n in order) / total for k in COLUMNS)
        ),
    ]


def paper_rows(paper: PaperArm, order: list[str]) -> list[ClassificationRow]:
    """Return the paper's own rows in the same layout."""
    total = sum(paper.per_class[name][3] for name in order)
    return [
        *(ClassificationRow(name, paper.per_class[name][3], paper.per_class[name][:3]) for name in order),
        ClassificationRow("Accuracy", total, (None, None, paper.accuracy)),
        ClassificationRow("Macro average", total, paper.macro),
        ClassificationRow("Weighted average", total, paper.weighted),
    ]


def matrix_rows(counts: Mapping[str, Mapping[str, float]], order: list[str], positive: str) -> list[list[Cell]]:
    """Return the cells of a confusion matrix, actual classes in rows, predicted ones in columns, both in `order`."""
    written = iter(report_text.counts([counts[actual][predicted] for actual in order for predicted in order]))
    rows = []
    for actual in order:
        total = sum(counts[actual].values())
        rows.append(
            [
                Cell(
                    count=next(written),
                    share=counts[actual][predicted] / total if total else 0.0,
                    correct=actual == predicted,
                    missed=actual == positive and predicted != positive,
                )
                for predicted in order
            ]
        )
    return rows


def matrix_of(arm: dict[str, Any], classes: list[str]) -> dict[str, dict[str, float]]:
    """Return an arm's mean confusion matrix by names: actual class, then predicted class."""
    return {
        actual: dict(zip(classes, row, strict=True))
        for actual, row in zip(classes, arm["mean"]["confusion_matrix"], strict=True)
    }
