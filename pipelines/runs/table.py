"""The table of a finished run, for the terminal."""

from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from components.compare.gate import cautions, counted_copies
from components.contracts.errors import InputError
from components.contracts.files import read_json

COLUMNS = {"Accuracy": "accuracy", "Sensitivity": "sensitivity", "Specificity": "specificity"}
# Shown as well where a terminal has at least `WIDE` columns. From `WIDEST` on, intervals stand beside their values;
# below `NARROW` the training images are left out.
MORE_COLUMNS = {"Balanced": "balanced_accuracy", "AUC": "auc"}
NARROW, WIDE, WIDEST = 72, 90, 140


def load_verdict(folder: Path) -> dict[str, Any]:
    """Read the verdict of a run's folder; raises InputError if no run has finished there, or it is no verdict."""
    path = folder / "verdict.json"
    if not path.is_file():
        raise InputError(f"{folder}: holds no finished run (no verdict.json); give the folder of a run")
    verdict = read_json(path)
    try:
        _table(verdict, WIDEST)
        cautions(verdict["sources"]), counted_copies(verdict["sources"])
        for key in ("notice", "answer", "code_digest"):
            verdict[key].encode()
        for there in verdict["external_test_sets"]:
            there["answer"].encode()
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise InputError(f"{path}: not a verdict as gansweep writes it; run it anew, with --again") from None
    return verdict


def print_verdict(verdict: dict[str, Any], console: Console) -> None:
    """Print what is to be known of the sources, one row an arm, and the answer.

    A row has means over the replicates with their intervals, in percent.
    """
    if verdict["notice"]:
        console.print(verdict["notice"], style="yellow")
    for text in cautions(verdict["sources"]):
        console.print(text, style="yellow")
    console.print(_table(verdict, console.width))
    if copies := counted_copies(verdict["sources"]):
        console.print(copies)
    console.print(verdict["answer"])
    for there in verdict["external_test_sets"]:
        console.print(there["answer"])


def _table(verdict: dict[str, Any], width: int) -> Table:
    confidence = round(100 * verdict["parameters"]["confidence"])
    data_set = verdict["data_set"]
    columns = COLUMNS | (MORE_COLUMNS if width >= WIDE else {})
    separator = " " if width >= WIDEST else "\n"
    caption = f"Sensitivity: recall of {data_set['positive_class']}."
    caption += " Balanced: mean recall of the classes." if "Balanced" in columns else ""
    table = Table(
        title=f"{data_set['name']}: means over the replicates, {confidence}% intervals, in percent",
        title_justify="left",
        caption=caption,
        caption_justify="left",
        box=box.HEAVY_HEAD if width >= WIDE else box.SIMPLE,
        pad_edge=False,
    )
    table.add_column("Arm", overflow="fold", min_width=6)
    if width >= NARROW:
        table.add_column("Images", justify="right")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Verdict", min_width=len("evidence") + 1)
    for arm in verdict["arms"]:
        cells = [_percent(arm["mean"][key], arm["intervals"][key], separator) for key in columns.values()]
        against = arm["against_real"]
        images = [str(arm["training_images"])] if width >= NARROW else []
        table.add_row(arm["arm"], *images, *cells, against["verdict"] if against else "-")
    return table


def _percent(value: float, interval: list[float], separator: str) -> str:
    low, high = (f"{100 * end:.1f}" for end in interval)
    return f"{100 * value:.1f}{separator}({low}-{high})"
