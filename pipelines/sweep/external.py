"""All arms of a sweep on the external test sets: whether what was found on the own test set holds there.

The verdicts of the runs can't be put side by side here either: on each set all arms at all points of the grid are one
family for Holm's method. Of test folds, a set is one that the trainings of all folds see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from components.compare.external import barred_there, each_set, finding, said_there
from components.compare.statistics.rule import Rule, judge
from pipelines.sweep.plan import Sweep
from pipelines.sweep.rows import RunResult, compare_all, entry, full_name


def on_external_sets(
    results: Sequence[RunResult], own: Sequence[dict[str, Any]], sweep: Sweep, rule: Rule, barred: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return sweep.json's `external_test_sets`, in their order; empty where there are none.

    `own` are the entries of all rows on the own test set, `barred` those that can't be judged anywhere, by their number
    there, and why.
    """
    found = []
    for each in zip(*map(_on_each_set, results), strict=True):
        name, images = each[0].verdict["name"], len(each[0].test)
        rows, _ = compare_all(each, rule)
        copies = {one.run.name: one.verdict["copies"] for one in each}
        compared = {str(number): row for number, row in enumerate(rows) if row.differences}
        not_there = {
            key: reason
            for key, row in compared.items()
            for reason in barred_there(copies[row.run.name], [row.evaluation.arm], name).values()
        }
        differences = {key: row.differences for key, row in compared.items()}
        judgements = judge(differences, rule, images, {**not_there, **barred})
        arms = [entry(row, sweep, judgements.get(str(number)), rule) for number, row in enumerate(rows)]
        findings = [
            finding(full_name(there), here["against_real"], there["against_real"], rule)
            for here, there in zip(own, arms, strict=True)
            if there["against_real"]
        ]
        found.append(
            {
                "name": name,
                "images": images,
                "counts": each[0].test.counts(),
                "comparisons": len(compared),
                "answer": said_there(name, images, findings),
                "findings": findings,
                "arms": arms,
            }
        )
    return found


def pool_external(folds: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return `external_test_sets` of the verdict of the first fold, with the copies that all folds found together."""
    pooled = []
    for same in zip(*folds, strict=True):
        copies = []
        for number, source in enumerate(same[0]["copies"]):
            counted = [one["copies"][number] for one in same]
            sums = {key: sum(each[key] for each in counted) for key in ("pictures", "found", "dropped", "kept")}
            copies.append(source | sums)
        pooled.append(same[0] | {"copies": copies})
    return pooled


def _on_each_set(result: RunResult) -> list[RunResult]:
    """Return the result once for each external set: that set as its test set, and what is known of it as its verdict.

    Of the verdict the facts of the data set stay.
    """
    positive_class = result.verdict["data_set"]["positive_class"]
    positive = result.test.classes.index(positive_class)
    about = {one["name"]: one for one in result.verdict["external_test_sets"]}
    return [
        replace(
            result,
            verdict={"data_set": result.verdict["data_set"], "name": name, "copies": about[name]["copies"]},
            test=images,
            evaluations=evaluations,
        )
        for name, images, evaluations in each_set(result.evaluations, result.external, positive)
    ]
