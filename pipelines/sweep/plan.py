"""Plans the runs of a sweep: a share of its arms in each, at each point of its grid and on each test fold."""

import itertools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from components.compare.statistics.rule import Rule
from components.contracts.arms import GAN, parse_arm
from components.contracts.errors import InputError
from components.data_set.data_set import DataSet, open_data_set
from components.plan.parameters import check_parameters
from components.plan.plan import MOST_PODS, make_plan
from pipelines.sweep.file import Point, SweepFile

# What the GANs don't depend on, beside what begins with classifier_: runs that differ in nothing else share them.
_NO_MATTER_TO_GANS = {
    "arms",
    *("classifier", "synthetic_sets"),
    "replicates",
    "gan_replicates",
    "inception_weights",
    "external_test_sets",
    *("gan_checkpoint_updates", "gan_threads", "gpu_type", "node_selector", "tolerations"),
    *("gan_cpu", "gan_memory"),
    *Rule.__dataclass_fields__,
}


@dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep: `real` and a share of the arms at one point, on one test fold.

    `after` is the name of the run that trains the GANs which this one shares, "" if this is the one.
    """

    name: str
    point: int
    parameters: dict[str, Any]
    gans: int
    after: str


@dataclass(frozen=True)
class Sweep:
    """All runs of a sweep, in order; `kind` is what the user calls the whole: a sweep, or a run over test folds."""

    name: str
    points: tuple[Point, ...]
    runs: tuple[PlannedRun, ...]
    runs_at_once: int
    kind: str = "sweep"

    def to_json(self) -> dict[str, Any]:
        """Return what makes this sweep this one and no other."""
        runs = {run.name: run.parameters for run in self.runs}
        return {"name": self.name, "points": [point.label for point in self.points], "runs": runs}


def plan_here(file: SweepFile, list_data: Callable[..., DataSet] = open_data_set) -> Sweep:
    """Lay out a sweep on this machine, and check each of its runs as `gansweep run` does; raises InputError.

    `list_data` lists a data set, given its address, its table and the names of its columns.
    """
    shared = file.parameters[0]  # what no point may vary
    data_set = list_data(shared["data_set"], shared["table"], shared["table_columns"])
    sweep = lay_out(file, len(data_set.classes))
    for run in sweep.runs:
        make_plan(check_parameters(run.parameters), data_set)
    return sweep


def lay_out(file: SweepFile, classes: int) -> Sweep:
    """Return the runs of a sweep over a data set with so many classes.

    Raises InputError where not even one arm fits into a run.
    """
    with_gans = any(parse_arm(arm).source == GAN for arm in file.arms)
    runs: list[PlannedRun] = []
    for number, (point, parameters) in enumerate(zip(file.points, file.parameters, strict=True)):
        gans = classes * parameters["gan_replicates"] if with_gans else 0
        for share in _shares(file.arms, file.cells_a_run - gans - 1, gans):
            for fold in range(parameters["test_folds"]):
                ending = [f"fold-{fold + 1}"] if parameters["test_folds"] > 1 else []
                name = "-".join([f"{len(runs) + 1:02d}", *re.findall(r"[\w.%]+", point.label), *ending])
                own = {**parameters, "arms": ["real", *share], "test_fold": fold}
                runs.append(PlannedRun(name, number, own, gans, ""))
    return Sweep(file.name, file.points, _in_order(runs), file.runs_at_once)


def _shares(arms: Sequence[str], most: int, gans: int) -> list[list[str]]:
    """Split the arms into shares of nearly one size, at most `most`, none of them without synthetic images."""
    without = [arm for arm in arms if not parse_arm(arm).uses_synthetic]
    if most < 1 + len(without):
        raise InputError(
            f"cells_a_run: {gans} GANs and real leave {max(most, 0)} cells of a run for other arms; raise it "
            f"(up to {MOST_PODS - 1}), or lower gan_replicates"
        )
    count = -(-len(arms) // most)
    size, larger = divmod(len(arms), count)
    ends = list(itertools.accumulate([size + 1] * larger + [size] * (count - larger)))
    # Arms without synthetic images go first, all of them into the first share, where one with some is left beside them.
    ordered = without + [arm for arm in arms if arm not in without]
    return [ordered[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _in_order(runs: list[PlannedRun]) -> tuple[PlannedRun, ...]:
    """Let the first run of each set of GANs go before the others of that set; it is the one with most of them."""
    leaders: dict[str, PlannedRun] = {}
    for run in sorted(runs, key=lambda run: -run.parameters["gan_replicates"]):
        leaders.setdefault(_gan_key(run), run)
    others = [run for run in runs if leaders[_gan_key(run)] is not run]
    first = [run for run in runs if run not in others]
    return tuple(first + [replace(run, after=leaders[_gan_key(run)].name) for run in others])


def _gan_key(run: PlannedRun) -> str:
    kept = {
        name: value
        for name, value in run.parameters.items()
        if name not in _NO_MATTER_TO_GANS and not name.startswith("classifier_")
    }
    return json.dumps(kept, sort_keys=True)
