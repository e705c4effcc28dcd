"""`replicates: auto`: how many trainings are enough, from a pilot run, by variances alone and never by a difference.

Two stages, as in Stein 1945 (A two-sample test for a linear hypothesis whose power is independent of the variance,
Annals of Mathematical Statistics 16(3)): a pilot says how much trainings and test images each make the differences
vary, and the run has as many trainings as bring the former down to a set share of the latter. A mean says nothing of a
variance, so that the choice favours no verdict. The pilot's trainings are the first ones of the run.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from components.contracts.errors import InputError
from components.contracts.files import read_json
from pipelines.runs.artifacts import left_by_cells
from pipelines.runs.table import load_verdict
from pipelines.sweep.carry_out import run_folder
from pipelines.sweep.file import SweepFile
from pipelines.sweep.plan import Sweep

PILOT = 5
SHARE = 0.25  # of the variance that test images bring: then the interval is 12% wider than with endless trainings


def pilot_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of the pilot: two trainings a generator at least; of several test folds the first alone."""
    return parameters | {"replicates": max(PILOT, 2 * parameters["gan_replicates"])}


def with_replicates_of_pilot(file: SweepFile) -> SweepFile:
    """Return the file with the parameters of the pilot at each point."""
    return replace(file, parameters=tuple(map(pilot_parameters, file.parameters)))


def pilot_of(sweep: Sweep) -> Sweep:
    """Return the pilot of a sweep that was laid out with the pilot's replicates: its runs on the first test fold."""
    return replace(
        sweep, name=f"{sweep.name}-pilot", runs=tuple(run for run in sweep.runs if not run.parameters["test_fold"])
    )


def choose_at_each_point(file: SweepFile, pilot: Sweep, folder: Path, most: int, minutes: float) -> SweepFile:
    """Return the file with as many replicates at each point as the runs of the `pilot` in `folder` ask for there.

    `minutes` are for the trainings of all points together.
    """
    seconds = sum(training_seconds(run_folder(folder, run)) for run in pilot.runs)
    chosen = []
    for point, parameters in enumerate(file.parameters):
        own = [load_verdict(run_folder(folder, run)) for run in pilot.runs if run.point == point]
        count, why = enough_replicates(own, seconds, most, minutes)
        chosen.append({**parameters, "replicates": count, "replicates_why": why})
    return replace(file, parameters=tuple(chosen))


def training_seconds(pilot: Path) -> float:
    """Return the seconds that all trainings of one run of the pilot took together."""
    found = left_by_cells(pilot, "train_classifier", "models")
    if not found:
        raise InputError(f"{pilot / 'artifacts'}: no trainings are there; remove {pilot} to repeat the pilot")
    return sum(float(read_json(folder / "training.json")["seconds"]) for folder in found)


def enough_replicates(pilots: Sequence[dict[str, Any]], seconds: float, most: int, minutes: float) -> tuple[int, str]:
    """Return how many replicates the run has, and why, in words for the report.

    `pilots` are the verdicts of the pilot, more than one where its arms were split over several runs; only variances
    are read of them. `seconds` is what all trainings of the pilot took. No more than `most` and, in all test folds
    together, than train in `minutes`; never fewer than the pilot's.
    """
    parameters = pilots[0]["parameters"]
    few = parameters["replicates"]
    spreads = [arm["against_real"]["spread"] for pilot in pilots for arm in pilot["arms"] if arm["against_real"]]
    ratios = [(spread["trainings"] / spread["images"]) ** 2 for spread in spreads if spread["images"] > 0]
    ratio = max(ratios, default=0.0)
    affordable = int(60 * minutes * few / (seconds * parameters["test_folds"])) if seconds > 0 else most
    wanted = int(np.ceil(few * ratio / SHARE))
    count = max(few, min(wanted, most, affordable))
    short = "" if count >= wanted else f"; more than {most} are not allowed" if count == most else ""
    short = short or ("" if count >= wanted else f"; more do not fit into {minutes:g} minutes of training")
    return count, (
        f"Replicates were chosen by a pilot of {few}: there trainings brought at most {ratio:.0%} of the variance that "
        f"test images bring to a difference, with {count} it is about {ratio * few / count:.0%} ({SHARE:.0%} is wanted"
        f"{short}). Only variances were looked at, never a difference."
    )
