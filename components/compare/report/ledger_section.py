"""The misdiagnosis ledger as the report shows it: the worst cases of each arm, with pictures."""

from collections.abc import Sequence
from typing import Any

from components.compare.ledger import KINDS, Change
from components.compare.report.pictures import Album
from components.compare.report.text import number
from components.contracts.imageset import ImageSet

MOST_CASES = 120  # in the whole report: keeps it small; ledger.csv holds all


def ledger_section(
    changes: Sequence[Change], arms: Sequence[str], test: ImageSet, synthetic: ImageSet, replicates: int
) -> dict[str, Any]:
    """Return counts of the changes by arm and kind, and the cases to show of each arm that has any, worst first."""
    by_arm: dict[str, list[Change]] = {arm: [] for arm in arms}
    for change in changes:
        by_arm[change.arm].append(change)
    most = MOST_CASES // max(1, len(arms))
    real, made = Album(test, "test image"), Album(synthetic, "synthetic image")
    there = [kind for kind in KINDS if any(change.kind == kind for change in changes)]
    return {
        "kinds": there,
        "totals": {arm: len(of) for arm, of in by_arm.items()},
        "counts": {arm: [sum(change.kind == kind for change in of) for kind in there] for arm, of in by_arm.items()},
        "shown": {
            arm: [_case(change, real, made, replicates) for change in of[:most]] for arm, of in by_arm.items() if of
        },
    }


def _case(change: Change, real: Album, made: Album, replicates: int) -> dict[str, Any]:
    def decision(prediction: str, probability: float) -> str:
        return f"{prediction}, p\u00a0{number(probability, 2)}"

    nearest = [made.picture(path) for path in (change.nearest_1, change.nearest_2, change.nearest_3)]
    return {
        "kind": change.kind,
        "missed": change.kind == KINDS[0],
        "path": change.path,
        "label": change.label,
        "real": decision(change.real_prediction, change.real_probability),
        "with_arm": decision(change.arm_prediction, change.arm_probability),
        "wrong": f"{change.real_wrong_replicates} → {change.arm_wrong_replicates} of {replicates}",
        "picture": real.picture(change.path),
        "nearest": [picture for picture in nearest if picture],
    }
