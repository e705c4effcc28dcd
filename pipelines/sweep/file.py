"""Reads the YAML file of a sweep and lays out its runs, after every check that can be made before the first of them.

name: doses                      # default: the file's name
data_set: images                 # a folder; with --cluster minio://bucket/prefix
preset: standard                 # or several, [demo, mine.yaml]: later ones go over earlier ones
ratios: [10%, 50%, 100%, 480]    # arms gan:10%, gan:50%, ...
traditional: both                # false, true (arms traditional+gan:10%, ...) or both
arms: [traditional]              # more arms; real is always there
replicates: 5
gan_replicates: 2
test_folds: 5                    # each image is tested once, in as many runs a point and share of the arms
set: {gan_updates: 1000}         # any parameter
grid: {gan_width: [16, 32]}      # any parameter -> values; every combination is a point, with all arms
runs_at_once: 2
cells_a_run: 80                  # GANs and arms of one run at most
classes: 2                       # number of classes, needed with --cluster
"""

import difflib
import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from components.compare.statistics.rule import Rule
from components.contracts.arms import GAN, parse_arm, parse_arms
from components.contracts.errors import InputError
from components.plan.plan import MOST_CELLS
from pipelines.parameters import declared_parameters, load_presets, resolve, typed
from pipelines.yaml_files import read_mapping

# What decides the test set or the verdict is the same all over a sweep; `why` it can't stand under grid.
_ONE_TEST_SET = "all points of a grid are compared on one test set; give it under set"
_ONE_RULE = "all arms of a sweep are judged by one rule; give it under set"
_EVERY_FOLD = "a sweep carries out every fold; set test_folds"
_RULE = tuple(Rule.__dataclass_fields__)
NOT_IN_GRID = {
    "data_set": "a sweep has one data set; write a file for each",
    "arms": "list them under arms or ratios",
    "seed": "set replicates higher to see how trainings vary",
    **dict.fromkeys(
        ("table", "table_columns", "on_conflict", "positive_class", "test_share", "max_bad_share", "bits_used"),
        _ONE_TEST_SET,
    ),
    **dict.fromkeys(("near_duplicate_correlation", "test_folds", "external_test_sets"), _ONE_TEST_SET),
    "test_fold": _EVERY_FOLD,
    **dict.fromkeys(_RULE, _ONE_RULE),
}
NOT_IN_SET = {
    "data_set": "write it as data_set",
    "arms": "list them under arms or ratios",
    "test_fold": _EVERY_FOLD,
}
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
    *_RULE,
}


@dataclass(frozen=True)
class SweepFile:
    """The content of the file, checked by itself."""

    name: str
    data_set: str
    preset: str | list = "standard"
    ratios: list = field(default_factory=list)
    sources: list = field(default_factory=lambda: [GAN])
    synthetic_sets: dict = field(default_factory=dict)
    external_test_sets: dict = field(default_factory=dict)
    traditional: bool | str = False
    arms: list = field(default_factory=list)
    replicates: int | None = None
    gan_replicates: int | None = None
    test_folds: int | None = None
    set: dict = field(default_factory=dict)
    grid: dict = field(default_factory=dict)
    runs_at_once: int = 1
    cells_a_run: int = MOST_CELLS
    classes: int | None = None


@dataclass(frozen=True)
class Point:
    """One combination of the grid; `label` is "" where there is no grid."""

    label: str
    values: dict[str, Any]


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
    """All runs of a sweep, in order."""

    name: str
    points: tuple[Point, ...]
    runs: tuple[PlannedRun, ...]
    runs_at_once: int

    def to_json(self) -> dict[str, Any]:
        """Return what makes this sweep this one and no other."""
        runs = {run.name: run.parameters for run in self.runs}
        return {"name": self.name, "points": [point.label for point in self.points], "runs": runs}


def read_sweep_file(path: Path, presets: Sequence[str] = ()) -> SweepFile:
    """Read the file; `presets` go over its own.

    Raises InputError naming the key that is unknown (with the nearest one), missing or wrong.
    """
    content = read_mapping("", path, "one 'key: value' a line, data_set and ratios among them")
    known = SweepFile.__dataclass_fields__
    for key in content:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
            hint = f"write it under set or grid, {key}: ..." if key in declared_parameters() else hint
            raise InputError(f"{path}: {key}: there is no such key; {hint}")
    kinds: dict[str, Any] = {
        **dict.fromkeys(("name", "data_set"), (str,)),
        "preset": (str, list),
        **dict.fromkeys(("ratios", "sources", "arms"), (list,)),
        **dict.fromkeys(("set", "grid", "synthetic_sets", "external_test_sets"), (dict,)),
        **dict.fromkeys(
            ("replicates", "gan_replicates", "test_folds", "runs_at_once", "cells_a_run", "classes"), (int,)
        ),
        "traditional": (bool, str),
    }
    for key, value in content.items():
        if not isinstance(value, kinds[key]) or (kinds[key] == (int,) and (value is True or value < 1)):
            wanted = {str: "a text", list: "a list", dict: "a mapping", int: "a number from 1 on"}
            named = "false, true or both" if key == "traditional" else wanted[kinds[key][0]]
            raise InputError(f"{path}: {key}: {value!r} is not {named}")
    if not content.get("data_set"):
        raise InputError(f"{path}: data_set: no value is given; name the folder, or minio://bucket/prefix")
    file = SweepFile(**{"name": path.stem, **content})
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", file.name):
        raise InputError(f"{path}: name: '{file.name}' may hold letters, digits, '.', '_' and '-' only")
    return replace(file, preset=[*presets_of(file), *presets])


def presets_of(file: SweepFile) -> list[str]:
    """Return the names of the presets, the stronger ones later."""
    return [file.preset] if isinstance(file.preset, str) else [str(name) for name in file.preset]


def shared_parameters(file: SweepFile) -> dict[str, Any]:
    """Return every parameter as all runs have it that don't vary it: data set, table, ...; raises InputError."""
    settings = {name: typed(name, value) for name, value in file.set.items()}
    sets = {name: getattr(file, name) for name in ("synthetic_sets", "external_test_sets") if getattr(file, name)}
    return resolve(load_presets(presets_of(file)), {**settings, **sets}, file.data_set)


def lay_out(file: SweepFile, classes: int) -> Sweep:
    """Return the runs of a sweep over a data set with so many classes.

    Raises InputError for arms that are none, for parameters that can't be set or varied here, and where not even one
    arm fits into a run. The values of the parameters are not checked.
    """
    arms = _arms(file)
    points = _points(file.grid)
    known = ("replicates", "gan_replicates", "test_folds", "synthetic_sets", "external_test_sets")
    numbers = {key: getattr(file, key) for key in known if getattr(file, key)}
    for name in file.set:
        if name in NOT_IN_SET or name in numbers or name in file.grid:
            raise InputError(f"set: {name}: {NOT_IN_SET.get(name, 'it is given twice; give it once')}")
    for name in numbers:
        if name in file.grid:
            raise InputError(f"grid: {name}: it is given twice; give it once")
    preset, settings = (
        load_presets(presets_of(file)),
        {name: typed(name, value) for name, value in file.set.items()},
    )
    runs: list[PlannedRun] = []
    for number, point in enumerate(points):
        parameters = resolve(preset, {**settings, **numbers, **point.values}, file.data_set)
        with_gans = any(parse_arm(arm).source == GAN for arm in arms)
        gans = classes * parameters["gan_replicates"] if with_gans else 0
        for share in _shares(arms, file.cells_a_run - gans - 1, gans):
            for fold in range(parameters["test_folds"]):
                ending = [f"fold-{fold + 1}"] if parameters["test_folds"] > 1 else []
                name = "-".join([f"{len(runs) + 1:02d}", *re.findall(r"[\w.%]+", point.label), *ending])
                own = {**parameters, "arms": ["real", *share], "test_fold": fold}
                runs.append(PlannedRun(name, number, own, gans, ""))
    return Sweep(file.name, points, _in_order(runs), file.runs_at_once)


def _arms(file: SweepFile) -> list[str]:
    if file.traditional not in (False, True, "both"):
        raise InputError(f"traditional: {file.traditional!r} is not false, true or both")
    prefixes = {False: [""], True: ["traditional+"], "both": ["", "traditional+"]}[file.traditional]
    ratios = [f"{prefix}{source}:{ratio}" for source in file.sources for prefix in prefixes for ratio in file.ratios]
    arms = [arm for arm in [*map(str, file.arms), *ratios] if arm != "real"]
    parse_arms(["real", *arms])
    if not arms:
        raise InputError("ratios: there is only real, so nothing is compared; give amounts such as [50%, 100%, 480]")
    return arms


def _points(grid: dict[str, Any]) -> tuple[Point, ...]:
    values: dict[str, list[Any]] = {}
    for name, given in grid.items():
        if name in NOT_IN_GRID:
            raise InputError(f"grid: {name}: {NOT_IN_GRID[name]}")
        if not isinstance(given, list) or not given:
            raise InputError(f"grid: {name}: {given!r} is not a list of values")
        values[name] = [typed(name, value) for value in given]
        if len({json.dumps(value) for value in values[name]}) < len(given):
            raise InputError(f"grid: {name}: a value stands there twice")
    combinations = [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]
    return tuple(Point(", ".join(f"{key}={value}" for key, value in each.items()), each) for each in combinations)


def _shares(arms: list[str], most: int, gans: int) -> list[list[str]]:
    """Split the arms into shares of nearly one size, at most `most`, none of them without synthetic images."""
    without = [arm for arm in arms if not parse_arm(arm).uses_synthetic]
    if most < 1 + len(without):
        raise InputError(
            f"cells_a_run: {gans} GANs and real leave {max(most, 0)} cells of a run for other arms; raise it "
            f"(up to {MOST_CELLS}), or lower gan_replicates"
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
    led = (
        PlannedRun(run.name, run.point, run.parameters, run.gans, "" if leader is run else leader.name)
        for run, leader in ((run, leaders[_gan_key(run)]) for run in runs)
    )
    return tuple(sorted(led, key=lambda run: run.after != ""))


def _gan_key(run: PlannedRun) -> str:
    kept = {
        name: value
        for name, value in run.parameters.items()
        if name not in _NO_MATTER_TO_GANS and not name.startswith("classifier_")
    }
    return json.dumps(kept, sort_keys=True)
