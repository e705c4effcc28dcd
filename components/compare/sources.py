"""Sources side by side: what arms that differ in nothing but the source do, and what each is worth in real images."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from components.compare.comparison import ComparedArm
from components.compare.statistics.exchange import real_worth
from components.compare.statistics.rule import Rule, enough, holm
from components.compare.statistics.variance import estimate
from components.contracts.arms import Arm, parse_arm


def compare_sources(compared: Sequence[ComparedArm], rule: Rule) -> list[dict[str, Any]]:
    """Return verdict.json's `source_pairs`: every two arms of equal amounts from two sources, one minus the other.

    The pairs are a family of their own: their intervals and p-values follow Holm's steps over all of them, as those of
    the arms against real do. Pairs without replicates enough are left out, as nothing can be said of them.
    """
    recipes = {each.evaluation.arm: parse_arm(each.evaluation.arm) for each in compared}
    alike = [
        (one, other)
        for one, other in combinations([each for each in compared if recipes[each.evaluation.arm].source], 2)
        if recipes[one.evaluation.arm].source != recipes[other.evaluation.arm].source
        and _beside_source(recipes[one.evaluation.arm]) == _beside_source(recipes[other.evaluation.arm])
    ]
    found = {
        f"{one.evaluation.arm} | {other.evaluation.arm}": (
            one.evaluation.arm,
            other.evaluation.arm,
            estimate(one.endpoint, one.levels[rule.endpoint].groups, other.endpoint),
        )
        for one, other in alike
    }
    found = {name: pair for name, pair in found.items() if enough(pair[2])}
    levels = holm({name: difference.p_value() for name, (_, _, difference) in found.items()}, rule.confidence)
    return [
        {
            "arm": arm,
            "other": other,
            "difference": difference.value,
            "adjusted": list(difference.interval(levels[name][2])),
            "confidence": levels[name][2],
            "p_holm": levels[name][1],
            "scope": "recipe" if difference.recipe else "pictures",
        }
        for name, (arm, other, difference) in found.items()
    ]


def in_real_images(compared: Sequence[ComparedArm], rule: Rule, seed: int) -> list[dict[str, Any]]:
    """Return verdict.json's `real_worth`: each synthetic arm in real images a class; empty without a learning curve.

    The curve runs over `real` and the arms `real:N%`; only arms that learn from all real images are read off it.
    """
    recipes = [(parse_arm(each.evaluation.arm), each) for each in compared]
    curve = [each for recipe, each in recipes if not (recipe.source or recipe.traditional or recipe.rare)]
    arms = [each for recipe, each in recipes if recipe.source and recipe.real_share == 1]
    classes = len(compared[0].evaluation.synthetic_per_class)
    found = real_worth(
        [each.evaluation.training_images / classes for each in curve],
        [each.endpoint for each in curve],
        [each.endpoint for each in arms],
        rule.confidence,
        rule.bootstrap_resamples,
        seed,
    )
    if found is None:
        return []
    return [
        {"arm": each.evaluation.arm, "estimate": worth.estimate, "interval": list(worth.interval)}
        for each, worth in zip(arms, found, strict=True)
    ]


def _beside_source(recipe: Arm) -> Arm:
    return replace(recipe, name="", source="")
