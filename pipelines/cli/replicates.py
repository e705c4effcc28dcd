"""The pilot before `gansweep run --replicates auto`, and where it and that of a sweep lie."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from pipelines.cli.options import console, print_line
from pipelines.local.run import run_locally
from pipelines.runs.folder import is_finished, open_run_folder, owned, start_anew
from pipelines.runs.live import LiveView, PlainView
from pipelines.runs.table import load_verdict
from pipelines.sweep.replicates import enough_replicates, pilot_parameters, training_seconds


def pilot_folder(folder: Path) -> Path:
    """Return where the pilot of the run or sweep in `folder` lies: beside it."""
    return folder.with_name(f"{folder.name}-pilot")


def choose_replicates(
    values: dict[str, Any],
    folder: Path,
    cells: int,
    runner: str,
    again: bool,
    said: set[str],
    most: int,
    minutes: float,
) -> tuple[dict[str, Any], Path]:
    """Run the pilot of the run in `folder`, unless it is there already.

    Return the run's parameters, and the folder of the pilot's checkpoints: the run takes its GANs from there.
    """
    pilot = pilot_folder(folder)
    checkpoints = pilot / "checkpoints"
    with owned(pilot):
        open_run_folder(pilot, pilot_parameters(values))
        if again:
            start_anew(pilot)
        if not is_finished(pilot):
            print_line(f"A pilot says how many replicates are enough; its results go to {pilot}")
            view = LiveView(console, said) if console.is_terminal else nullcontext(PlainView(console, said))
            with view as shown:
                run_locally(pilot, shown, cells, runner, checkpoints)
        count, why = enough_replicates([load_verdict(pilot)], training_seconds(pilot), most, minutes)
    print_line(why)
    return values | {"replicates": count, "replicates_why": why}, checkpoints
