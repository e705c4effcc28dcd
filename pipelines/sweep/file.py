"""Reads the YAML file of a sweep, once: all that follows is handed what it says, with every parameter resolved.

name: doses                      # default: the file's name
data_set: images                 # a folder; with --cluster minio://bucket/prefix
preset: standard                 # or several, [demo, mine.yaml]: later ones go over earlier ones
ratios: [10%, 50%, 100%, 480]    # arms gan:10%, gan:50%, ...
traditional: both                # false, true (arms traditional+gan:10%, ...) or both
arms: [traditional]              # more arms; real is always there
replicates: 5                    # or auto: as many as a pilot asks for, at each point
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.compare.statistics.rule import Rule
from components.contracts.arms import GAN, parse_arms
from components.contracts.errors import InputError
from components.plan.plan import MOST_PODS
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
# Key of the file -> the types it may have; int: a number from 1 on.
_KINDS: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "data_set": (str,),
    "preset": (str, list),
    "ratios": (list,),
    "sources": (list,),
    "synthetic_sets": (dict,),
    "external_test_sets": (dict,),
    "traditional": (bool, str),
    "arms": (list,),
    "replicates": (int, str),
    "gan_replicates": (int,),
    "test_folds": (int,),
    "set": (dict,),
    "grid": (dict,),
    "runs_at_once": (int,),
    "cells_a_run": (int,),
    "classes": (int,),
}
# Keys of the file that are parameters of every run.
_PARAMETERS = ("replicates", "gan_replicates", "test_folds", "synthetic_sets", "external_test_sets")


@dataclass(frozen=True)
class Point:
    """One combination of the grid's values; `label` is "" where there is no grid."""

    label: str
    values: dict[str, Any]


@dataclass(frozen=True)
class SweepFile:
    """What the file says, resolved: `parameters` are all of those of each point's runs, but for the arms.

    `arms` are all but real; `classes` is None where the file doesn't say how many the data set has. `pilot` says that
    a pilot is to choose how many replicates there are.
    """

    name: str
    arms: tuple[str, ...]
    points: tuple[Point, ...]
    parameters: tuple[dict[str, Any], ...]
    runs_at_once: int
    cells_a_run: int
    classes: int | None
    pilot: bool


def read_sweep_file(path: Path, presets: Sequence[str] = ()) -> SweepFile:
    """Read and resolve the file, `presets` over its own; the values of the parameters are not checked.

    Raises InputError naming the key that is unknown (with the nearest one), missing or wrong; for arms that are none;
    and for parameters that can't be set or varied here.
    """
    content = read_mapping("", path, "one 'key: value' a line, data_set and ratios among them")
    _check_keys(path, content)
    pilot = content.get("replicates") == "auto"
    given = {key: content[key] for key in _PARAMETERS if content.get(key)}
    settings, grid = content.get("set", {}), content.get("grid", {})
    for name in settings:
        if name in NOT_IN_SET or name in given or name in grid:
            raise InputError(f"set: {name}: {NOT_IN_SET.get(name, 'it is given twice; give it once')}")
    for name in given:
        if name in grid:
            raise InputError(f"grid: {name}: it is given twice; give it once")
    if pilot:
        del given["replicates"]
    arms, points = _arms(content), _points(grid)
    own = content.get("preset", "standard")
    common = load_presets([*([own] if isinstance(own, str) else map(str, own)), *presets])
    common |= {name: typed(name, value) for name, value in settings.items()} | given
    if common.get("external_test_sets") and "on_leak" in grid:
        raise InputError("grid: on_leak: it decides what external test sets hold; give it under set")
    return SweepFile(
        name=content.get("name", path.stem),
        arms=arms,
        points=points,
        parameters=tuple(resolve(common, point.values, content["data_set"]) for point in points),
        runs_at_once=content.get("runs_at_once", 1),
        cells_a_run=content.get("cells_a_run", MOST_PODS - 1),
        classes=content.get("classes"),
        pilot=pilot,
    )


def _check_keys(path: Path, content: dict[str, Any]) -> None:
    """Raise InputError for keys that are unknown, missing, or of another type."""
    for key, value in content.items():
        if key not in _KINDS:
            close = difflib.get_close_matches(str(key), _KINDS, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(_KINDS)}"
            hint = f"write it under set or grid, {key}: ..." if key in declared_parameters() else hint
            raise InputError(f"{path}: {key}: there is no such key; {hint}")
        kinds = _KINDS[key]
        below_one = isinstance(value, int) and (value is True or value < 1)
        no_word = key == "replicates" and isinstance(value, str) and value != "auto"
        if not isinstance(value, kinds) or (kinds[0] is int and below_one) or no_word:
            wanted = {str: "a text", list: "a list", dict: "a mapping", int: "a number from 1 on"}
            said = {"traditional": "false, true or both", "replicates": "a number from 1 on, or auto"}
            named = said.get(key, wanted[kinds[0]])
            raise InputError(f"{path}: {key}: {value!r} is not {named}")
    if not content.get("data_set"):
        raise InputError(f"{path}: data_set: no value is given; name the folder, or minio://bucket/prefix")
    name = content.get("name", path.stem)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise InputError(f"{path}: name: '{name}' may hold letters, digits, '.', '_' and '-' only")


def _arms(content: dict[str, Any]) -> tuple[str, ...]:
    """Return the arms of the keys arms, ratios, sources and traditional, without real."""
    traditional = content.get("traditional", False)
    if traditional not in (False, True, "both"):
        raise InputError(f"traditional: {traditional!r} is not false, true or both")
    prefixes = {False: [""], True: ["traditional+"], "both": ["", "traditional+"]}[traditional]
    sources, ratios = content.get("sources", [GAN]), content.get("ratios", [])
    mixed = [f"{prefix}{source}:{ratio}" for source in sources for prefix in prefixes for ratio in ratios]
    arms = [arm for arm in [*map(str, content.get("arms", [])), *mixed] if arm != "real"]
    parse_arms(["real", *arms])
    if not arms:
        raise InputError("ratios: there is only real, so nothing is compared; give amounts such as [50%, 100%, 480]")
    return tuple(arms)


def _points(grid: dict[str, Any]) -> tuple[Point, ...]:
    """Return every combination of the values; raises InputError for what can't be varied or is no list of values."""
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
