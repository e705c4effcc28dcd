"""The recommendation and the answer: the first two sentences that a reader sees."""

from collections.abc import Sequence
from typing import Any

from components.compare.gate import barred_arms, barring
from components.compare.statistics.rule import SENSITIVITY, Rule
from components.compare.statistics.words import share, span
from components.contracts.arms import Arm, parse_arm


def recommend(arms: list[dict[str, Any]], rule: Rule) -> dict[str, str]:
    """Return {"arm", "reason"} from the entries of verdict.json.

    The arm that helps and whose adjusted interval of the gain in the endpoint has the highest lower end, of equal
    ones the arm with fewer synthetic images; `real` where none helps.
    """
    helping = [arm for arm in arms if arm["against_real"] and arm["against_real"]["verdict"] == "helps"]
    if not helping:
        compared = len(arms) > 1
        return {
            "arm": "real",
            "reason": "No arm was shown to help." if compared else "No other arm was trained, so nothing is compared.",
        }
    best = min(helping, key=lambda arm: (-_surest_gain(arm), sum(arm["synthetic_per_class"].values())))
    others = ", ".join(arm["arm"] for arm in helping if arm is not best)
    reason = f"Its gain in {rule.endpoint_name} is at least {_surest_gain(best) * 100:.1f} percentage points"
    reason += f", more than is sure of {others}, which helps too" if others else ", and no other arm was shown to help"
    return {"arm": best["arm"], "reason": reason + "."}


def answer(
    arms: list[dict[str, Any]],
    recommended: str,
    positive_class: str,
    test_images: int,
    rule: Rule,
    sources: Sequence[dict[str, Any]],
) -> str:
    """Return why arms of some `sources` can't be judged, and two sentences on the others.

    These say whether and how much an arm helps, and what it costs in missed disease.
    """
    barred = barred_arms(sources, [arm["arm"] for arm in arms])
    judged = [arm for arm in arms if arm["arm"] not in barred]
    said = [*barring(sources), _answer(judged, recommended, positive_class, test_images, rule, len(judged) < len(arms))]
    return " ".join(said)


def _answer(
    arms: list[dict[str, Any]], recommended: str, positive_class: str, test_images: int, rule: Rule, others: bool
) -> str:
    real = next(arm for arm in arms if arm["against_real"] is None)
    rivals = [arm for arm in arms if arm["against_real"]]
    name, endpoint = rule.endpoint_name, rule.endpoint
    if not rivals:
        only = "Only real is left to be judged" if others else "Only real was trained"
        return (
            f"{only}, so nothing is compared: its {name} on {test_images:,} test images is "
            f"{_level(real, endpoint)}. It misses {real['missed_per_1000']:.0f} of 1,000 {positive_class} images."
        )
    helping = next((arm for arm in rivals if arm["arm"] == recommended), None)
    shown = helping or max(rivals, key=lambda arm: _difference(arm, endpoint)["estimate"])
    pictures = shown["against_real"]["scope"] == "pictures"
    moved = f"from {_share(real, endpoint)} to {_share(shown, endpoint)}, by {_change(shown, endpoint)}"
    if helping:
        first = f"Yes, {'these pictures help' if pictures else f'{recommended} helps'}: {_recipe(shown)}"
        first += f"{f' ({recommended})' if pictures else ''} lift {name} on {test_images:,} test images {moved}"
    else:
        best = "the only one" if len(rivals) == 1 else "the best one"
        untold = all(arm["against_real"]["verdict"] == "no verdict" for arm in rivals)
        first = "No verdict" if untold else "No arm was shown to help"
        first += f" on {test_images:,} test images: {best}, {shown['arm']}, changes {name} {moved}"
        if untold:
            first += f"; {shown['against_real']['reason'].removesuffix('.').replace('At least', 'at least')}"
    hurting = [arm["arm"] for arm in rivals if arm["against_real"]["verdict"] == "hurts"]
    if hurting:
        first += f"; {', '.join(hurting)} {'hurts' if len(hurting) == 1 else 'hurt'}"
    if pictures:
        first += "; fewer than three generators drew them, so this is about these pictures, not about the recipe"
    sensitivity = _difference(shown, SENSITIVITY)
    second = (
        f"At equal false alarms {shown['arm']} misses {_missed(shown)} of 1,000 {positive_class} images, real "
        f"{_missed(real)} (sensitivity {sensitivity['estimate'] * 100:+.1f} percentage points, interval "
        f"{span(sensitivity['interval'])})"
    )
    return f"{first}. {second}."


def _surest_gain(arm: dict[str, Any]) -> float:
    return arm["against_real"]["adjusted"]["endpoint"][0]


def _difference(arm: dict[str, Any], metric: str) -> dict[str, Any]:
    return arm["against_real"]["differences"][metric]


def _change(arm: dict[str, Any], metric: str) -> str:
    adjusted = arm["against_real"]["adjusted"]
    return (
        f"{_difference(arm, metric)['estimate'] * 100:+.1f} percentage points "
        f"({share(adjusted['confidence'])} interval {span(adjusted['endpoint'])})"
    )


def _share(arm: dict[str, Any], metric: str) -> str:
    return f"{arm['mean'][metric] * 100:.1f}%"


def _level(arm: dict[str, Any], metric: str) -> str:
    low, high = arm["intervals"][metric]
    return f"{_share(arm, metric)} (interval {low * 100:.1f}% to {high * 100:.1f}%)"


def _missed(arm: dict[str, Any]) -> str:
    return f"{1000 * (1 - arm['mean'][SENSITIVITY]):.0f}"


def _recipe(arm: dict[str, Any]) -> str:
    recipe = parse_arm(arm["arm"])
    counts = sorted(set(arm["synthetic_per_class"].values()))
    amount = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    synthetic = f"{amount} synthetic images a class"
    if not recipe.uses_synthetic:
        return _without_synthetic(recipe)
    if not recipe.uses_real:
        return f"{synthetic} in place of the real ones"
    return f"{synthetic} with flips, rotations, colour and scale jitter" if recipe.traditional else synthetic


def _without_synthetic(recipe: Arm) -> str:
    rare = {"balanced": "class weights", "oversampled": "repeated images of rare classes"}
    parts = [rare[recipe.rare]] if recipe.rare else []
    if recipe.traditional:
        parts.append("flips, rotations, colour and scale jitter")
    return " and ".join(parts) or f"{recipe.real_share:.0%} of the real images"
