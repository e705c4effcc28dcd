"""Every arm by subgroup of the test images (sex, age band, site): where it helps, and whom it may cost.

For each column of the test set's subgroups and each of its values: sensitivity, specificity and AUC of the positive
class against the rest, on the images of that value alone, by group like the whole test set; and the
differences from `real`. All differences of a run are one family: p-values follow Holm, adjusted
intervals Bonferroni (level 1 - alpha / comparisons).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from statsmodels.stats.multitest import multipletests

from components.compare.evaluations import Evaluation
from components.compare.folds import folds_of, measure_folds
from components.compare.statistics.rule import Rule
from components.compare.statistics.variance import estimate
from components.contracts.imageset import ImageSet

METRICS = ("sensitivity", "specificity", "auc")
# With fewer independent images of either kind, an interval says little and its ends are not to be trusted.
FEWEST = 10


def by_subgroup(
    evaluations: Sequence[Evaluation],
    test: ImageSet,
    positive: int,
    rule: Rule,
) -> dict[str, Any]:
    """Return verdict.json's `subgroups`: {"comparisons", "columns": [{"name", "unknown", "values": [...]}]}.

    A value whose images are all positive or all negative, in any test fold, gets counts and a warning, no figures.
    """
    columns = []
    for name, values in test.subgroups.items():
        entries = [
            _value(str(value), evaluations, test, positive, values == value, rule)
            for value in sorted(set(values.tolist()) - {""})
        ]
        columns.append({"name": name, "unknown": int(np.sum(values == "")), "values": entries})
    return {"comparisons": _correct(columns, rule), "columns": columns}


def _value(
    value: str,
    evaluations: Sequence[Evaluation],
    test: ImageSet,
    positive: int,
    chosen: np.ndarray,
    rule: Rule,
) -> dict[str, Any]:
    labels, groups = test.labels[chosen], test.groups[chosen]
    is_positive = labels == positive
    kinds = [len(np.unique(groups[kind])) for kind in (is_positive, ~is_positive)]
    entry: dict[str, Any] = {
        "value": value,
        "images": int(chosen.sum()),
        "positives": int(is_positive.sum()),
        "warning": _warning(kinds, test.classes[positive]),
        "arms": [],
    }
    everywhere = {(fold, positive) for fold, positive in zip(test.folds[chosen], is_positive, strict=True)}
    if len(everywhere) < 2 * len(np.unique(test.folds)):
        return entry | {"warning": entry["warning"] or "too small to tell: a test fold lacks one kind of its images"}
    folds = folds_of(test, chosen, (test.labels == positive).astype(np.int64))  # the positive class and the rest
    samples = {e.arm: measure_folds(e, folds, positive, METRICS) for e in evaluations}
    for evaluation in evaluations:
        own = samples[evaluation.arm]
        levels = {metric: estimate(own[metric], min(kinds)) for metric in METRICS}
        against = None
        if evaluation.arm != "real":
            differences = {metric: estimate(own[metric], min(kinds), samples["real"][metric]) for metric in METRICS}
            against = {
                metric: {
                    "estimate": difference.value,
                    "interval": list(difference.interval(rule.confidence)),
                    "p_value": difference.p_value(),
                    "_difference": difference,
                }
                for metric, difference in differences.items()
            }
        entry["arms"].append(
            {
                "arm": evaluation.arm,
                "mean": {metric: level.value for metric, level in levels.items()},
                "intervals": {metric: list(level.interval_within(rule.confidence)) for metric, level in levels.items()},
                "against_real": against,
            }
        )
    return entry


def _correct(columns: list[dict[str, Any]], rule: Rule) -> int:
    """Add Holm's p and the adjusted interval to every difference; return how many there are."""
    found = [
        difference
        for column in columns
        for value in column["values"]
        for arm in value["arms"]
        for difference in (arm["against_real"] or {}).values()
    ]
    if found:
        holm = multipletests([difference["p_value"] for difference in found], method="holm")[1]
        level = 1 - (1 - rule.confidence) / len(found)
        for difference, p in zip(found, holm, strict=True):
            difference["p_holm"] = float(p)
            difference["adjusted"] = list(difference.pop("_difference").interval(level))
    return len(found)


def _warning(kinds: list[int], positive_class: str) -> str:
    """Say why a subgroup is too small to tell; `kinds` counts independent images with and without the disease."""
    for count, what in zip(kinds, (positive_class, "other"), strict=True):
        if not count:
            return f"holds no {what} images: nothing can be measured"
        if count < FEWEST:
            return f"too small to tell: {count} independent {what} images (fewer than {FEWEST})"
    return ""
