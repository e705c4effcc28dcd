"""The verdict over all runs of a sweep, computed anew from their evaluations.

The verdicts of the runs can't be put side by side: each adjusts for its own few arms, and together they would be wrong
more often than promised. Here all arms at all points of the grid are one family for Holm's method, by the same
estimates and the same rule as in `components.compare`. An arm is compared with the `real` of its own run: both were
trained beside each other, on the same seeds.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from components.compare.conclusion import recommend
from components.compare.evaluations import load_evaluations
from components.compare.folds import said_of
from components.compare.gate import barred_arms, barring, cautions
from components.compare.pool import pool_evaluations, pool_tests
from components.compare.statistics.rule import SENSITIVITY, Rule, judge
from components.compare.statistics.words import share, span
from components.contracts.errors import InputError
from components.contracts.files import read_json
from components.contracts.imageset import read_imageset
from pipelines.runs.artifacts import evaluations_of
from pipelines.sweep.carry_out import run_folder
from pipelines.sweep.external import on_external_sets, pool_external
from pipelines.sweep.plan import PlannedRun, Sweep
from pipelines.sweep.rows import Row, RunResult, compare_all, entry, full_name


def join(sweep: Sweep, folder: Path) -> dict[str, Any]:
    """Return the content of sweep.json. Raises InputError where runs do not belong together or lack a file."""
    results = pool_folds([load_run(folder, run) for run in sorted(sweep.runs, key=lambda run: run.name)])
    first = results[0].verdict
    rule = Rule.of(first["parameters"])
    with threadpool_limits(1):  # many small products run faster on one thread, and to the same bits
        rows, reals = compare_all(results, rule)
    folds = results[0].run.parameters["test_folds"]
    compared = {str(number): row for number, row in enumerate(rows) if row.differences}
    barred = _barred(compared, {result.run.name: result.verdict["sources"] for result in results})
    judgements = judge({key: row.differences for key, row in compared.items()}, rule, len(results[0].test), barred)
    arms = [entry(row, sweep, judgements.get(str(number)), rule) for number, row in enumerate(rows)]
    with threadpool_limits(1):
        elsewhere = on_external_sets(results, arms, sweep, rule, barred)
    advice = recommend([{**arm, "arm": full_name(arm)} for arm in arms], rule)
    return {
        "name": sweep.name,
        "gansweep_version": first["gansweep_version"],
        "code_digest": first["code_digest"],
        "notice": first["notice"],
        "data_set": first["data_set"],
        "test_folds": folds,
        "rule": {
            **vars(rule),
            "comparisons": len(compared),
            "text": " ".join(
                [
                    rule.text,
                    f"The {len(compared)} comparisons of this sweep, all arms at all points of its grid, are one "
                    "family: the adjustment is for all of them.",
                    *([said_of(folds)] if folds > 1 else []),
                    *_why_so_many(sweep),
                ]
            ),
        },
        "answer": " ".join(
            [
                *_said(results, barring),
                _answer(
                    [arm for number, arm in enumerate(arms) if str(number) not in barred],
                    advice["arm"],
                    first["data_set"]["positive_class"],
                    len(results[0].test),
                    rule,
                ),
            ]
        ),
        "cautions": _said(results, cautions),
        "recommendation": advice,
        "points": [
            {"point": point.label, "values": point.values, **reals[number]} for number, point in enumerate(sweep.points)
        ],
        "arms": arms,
        "external_test_sets": elsewhere,
    }


def _why_so_many(sweep: Sweep) -> list[str]:
    """Return what a pilot found at each point, where one chose the replicates."""
    found = {sweep.points[run.point].label: run.parameters["replicates_why"] for run in sweep.runs}
    return [f"{label}: {why}" if label else why for label, why in found.items() if why]


def pool_folds(results: Sequence[RunResult]) -> list[RunResult]:
    """Return the results with those of all test folds of a run made one; raises InputError if they don't fit."""
    check_together(results)
    alike: dict[str, list[RunResult]] = {}
    for result in results:
        parameters = result.run.parameters
        same = {name: value for name, value in parameters.items() if name != "test_fold"}
        key = json.dumps(same, sort_keys=True) if parameters["test_folds"] > 1 else result.run.name
        alike.setdefault(key, []).append(result)
    return [_pooled(sorted(folds, key=lambda one: one.run.parameters["test_fold"])) for folds in alike.values()]


def _pooled(folds: Sequence[RunResult]) -> RunResult:
    if len(folds) == 1:
        return folds[0]
    evaluations = pool_evaluations([fold.evaluations for fold in folds])
    sources = [source for fold in folds for source in fold.verdict["sources"]]
    external = pool_external([fold.verdict["external_test_sets"] for fold in folds])
    return replace(
        folds[0],
        verdict=folds[0].verdict | {"sources": sources, "external_test_sets": external},
        test=pool_tests([fold.test for fold in folds]),
        evaluations=evaluations,
    )


def load_run(folder: Path, run: PlannedRun) -> RunResult:
    """Read what a finished run has left in the sweep's `folder`; raises InputError if it lacks a file."""
    own = run_folder(folder, run)
    verdict = read_json(own / "verdict.json")
    prepared = list(own.glob("artifacts/*/prepare"))
    if len(prepared) != 1:
        raise InputError(
            f"{own / 'artifacts'}: {len(prepared)} test sets are there, not one; remove {own} to repeat it"
        )
    test, external = (read_imageset(prepared[0] / name) for name in ("test_set", "external_set"))
    positive = verdict["data_set"]["positive_class"]
    found = load_evaluations(evaluations_of(own), run.parameters["arms"], test, external, positive)
    return RunResult(run, verdict, test, external, found)


def check_together(results: Sequence[RunResult]) -> None:
    """Refuse runs that were made from other data or by other code than the first."""
    first = results[0]
    for other in results[1:]:
        pair = f"runs {first.run.name} and {other.run.name}"
        if other.verdict["data_set"]["digest"] != first.verdict["data_set"]["digest"]:
            raise InputError(f"{pair}: the data set was changed in between; repeat one of them (remove its folder)")
        if other.verdict["code_digest"] != first.verdict["code_digest"]:
            raise InputError(f"{pair}: made by different code; repeat one of them (remove its folder)")
        if other.run.parameters["test_fold"] == first.run.parameters["test_fold"] and not np.array_equal(
            other.test.paths, first.test.paths
        ):
            raise InputError(f"{pair}: they have different test sets; repeat one of them (remove its folder)")
        if _external_sets(other) != _external_sets(first):
            raise InputError(
                f"{pair}: an external test set was changed in between; repeat one of them (remove its folder)"
            )


def _external_sets(result: RunResult) -> list[tuple[str, str]]:
    """Return the external test sets that a run was evaluated on, each with the digest of its files."""
    return [(one["name"], one["digest"]) for one in result.verdict["external_test_sets"]]


def _barred(compared: dict[str, Row], sources: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Return why rows can't be judged, by what the gate of their run says of their source."""
    barred = {key: barred_arms(sources[row.run.name], [row.evaluation.arm]) for key, row in compared.items()}
    return {key: reason for key, of in barred.items() for reason in of.values()}


def _said(results: Sequence[RunResult], of: Callable[[list[dict[str, Any]]], list[str]]) -> list[str]:
    """Return what the gates of all runs say, the same once."""
    return list(dict.fromkeys(text for result in results for text in of(result.verdict["sources"])))


def _answer(arms: list[dict[str, Any]], recommended: str, positive: str, test_images: int, rule: Rule) -> str:
    """Return two or three sentences: how many arms help, the surest of them or the best, and who hurts."""
    rivals = [arm for arm in arms if arm["against_real"]]
    if not rivals:
        return "No other arm was compared with real."
    helping, hurting = (
        [arm for arm in rivals if arm["against_real"]["verdict"] == said] for said in ("helps", "hurts")
    )
    if helping:
        shown = next(arm for arm in helping if full_name(arm) == recommended)
        first = f"Yes: {len(helping)} of {len(rivals)} arms help, {full_name(shown)} most surely"
    else:
        shown = max(rivals, key=lambda arm: arm["against_real"]["differences"][rule.endpoint]["estimate"])
        first = f"None of {len(rivals)} arms was shown to help; the best is {full_name(shown)}"
    against = shown["against_real"]
    change, adjusted = against["differences"][rule.endpoint]["estimate"], against["adjusted"]
    level = f"{share(adjusted['confidence'])} interval {span(adjusted['endpoint'])}"
    missed = round(against["differences"][SENSITIVITY]["estimate"] * -1000)
    cost = f"{abs(missed)} {'more' if missed > 0 else 'fewer'} than" if missed else "as many as"
    text = (
        f"{first}, with a change in {rule.endpoint_name} of {change * 100:+.1f} percentage points ({level}) on "
        f"{test_images:,} test images. Of 1,000 {positive} images it misses {cost} real at equal "
        "false alarms."
    )
    if hurting:
        names = ", ".join(full_name(arm) for arm in hurting)
        text += f" {len(hurting)} of {len(rivals)} {'hurts' if len(hurting) == 1 else 'hurt'}: {names}."
    return text
