"""The table of a finished run, for the terminal."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from components.errors import InputError
from components.files import read_json

COLUMNS = {
    "Accuracy": "accuracy",
    "Balanced accuracy": "balanced_accuracy",
    "Sensitivity": "sensitivity",
    "Specificity": "specificity",
    "AUC": "auc",
}


def load_verdict(folder: Path) -> dict[str, Any]:
    """Read the verdict of a run's folder; raises InputError if no run has finished there."""
    if not (folder / "verdict.json").is_file():
        raise InputError(f"{folder}: holds no finished run (no verdict.json); give the folder of a run")
    return read_json(folder / "verdict.json")


def print_verdict(verdict: dict[str, Any], console: Console) -> None:
    """Print the answer and one row an arm: means over the replicates with their intervals, in percent."""
    confidence = round(100 * verdict["parameters"]["confidence"])
    data_set = verdict["data_set"]
    table = Table(
        title=f"{data_set['name']}: means over the replicates, {confidence}% intervals, in percent",
        title_justify="left",
        caption=f"sensitivity: recall of {data_set['positive_class']}",
        caption_justify="left",
    )
    table.add_column("Arm", no_wrap=console.width >= 100)
    table.add_column("Images", justify="right")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    table.add_column("Verdict")
    for arm in verdict["arms"]:
        cells = [_percent(arm["mean"][key], arm["intervals"][key]) for key in COLUMNS.values()]
        against = arm["against_real"]
        table.add_row(arm["arm"], str(arm["training_images"]), *cells, against["verdict"] if against else "-")
    if verdict["notice"]:
        console.print(verdict["notice"], style="yellow", highlight=False)
    console.print(table)
    console.print(verdict["answer"], highlight=False)


def _percent(value: float, interval: list[float]) -> str:
    low, high = (f"{100 * end:.1f}" for end in interval)
    return f"{100 * value:.1f} ({low}-{high})"
