"""The recommendation and the answer: the first two sentences that a reader sees."""

from typing import Any

from components.compare.statistics.rule import share, span
from components.contracts.arms import parse_arm


def recommend(arms: list[dict[str, Any]]) -> dict[str, str]:
    """Return {"arm", "reason"} from the entries of verdict.json.

    The arm that helps and whose adjusted interval of the gain in balanced accuracy has the highest lower end, of equal
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
    reason = f"Its gain in balanced accuracy is at least {_surest_gain(best) * 100:.1f} percentage points"
    reason += f", more than is sure of {others}, which helps too" if others else ", and no other arm was shown to help"
    return {"arm": best["arm"], "reason": reason + "."}


def answer(arms: list[dict[str, Any]], recommended: str, positive_class: str, test_images: int) -> str:
    """Return two sentences: whether and how much an arm helps, and what it costs in missed disease."""
    real = next(arm for arm in arms if arm["against_real"] is None)
    rivals = [arm for arm in arms if arm["against_real"]]
    if not rivals:
        return (
            f"Only real was trained, so nothing is compared: its balanced accuracy on {test_images:,} test images is "
            f"{_level(real, 'balanced_accuracy')}. It misses {_missed(real)} of 1,000 {positive_class} images."
        )
    if recommended != "real":
        shown = next(arm for arm in rivals if arm["arm"] == recommended)
        first = (
            f"Yes, {shown['arm']} helps: {_recipe(shown)} lift balanced accuracy on {test_images:,} test images from "
            f"{_share(real, 'balanced_accuracy')} to {_share(shown, 'balanced_accuracy')}, by {_change(shown)}"
        )
    else:
        shown = max(rivals, key=lambda arm: _difference(arm, "balanced_accuracy")["estimate"])
        best = "the only one" if len(rivals) == 1 else "the best one"
        first = (
            f"No arm was shown to help on {test_images:,} test images: {best}, {shown['arm']}, changes balanced "
            f"accuracy from {_share(real, 'balanced_accuracy')} to {_share(shown, 'balanced_accuracy')}, by "
            f"{_change(shown)}"
        )
    hurting = [arm["arm"] for arm in rivals if arm["against_real"]["verdict"] == "hurts"]
    if hurting:
        first += f"; {', '.join(hurting)} {'hurts' if len(hurting) == 1 else 'hurt'}"
    if len(real["replicates"]) == 1:
        first += ", for this one training of each arm"
    sensitivity = _difference(shown, "sensitivity")
    second = (
        f"Of 1,000 {positive_class} images {shown['arm']} misses {_missed(shown)}, real {_missed(real)} (sensitivity "
        f"{sensitivity['estimate'] * 100:+.1f} percentage points, interval {span(sensitivity['interval'])})"
    )
    return f"{first}. {second}."


def _surest_gain(arm: dict[str, Any]) -> float:
    return arm["against_real"]["adjusted"]["balanced_accuracy"][0]


def _difference(arm: dict[str, Any], metric: str) -> dict[str, Any]:
    return arm["against_real"]["differences"][metric]


def _change(arm: dict[str, Any]) -> str:
    adjusted = arm["against_real"]["adjusted"]
    return (
        f"{_difference(arm, 'balanced_accuracy')['estimate'] * 100:+.1f} percentage points "
        f"({share(adjusted['confidence'])} interval {span(adjusted['balanced_accuracy'])})"
    )


def _share(arm: dict[str, Any], metric: str) -> str:
    return f"{arm['mean'][metric] * 100:.1f}%"


def _level(arm: dict[str, Any], metric: str) -> str:
    low, high = arm["intervals"][metric]
    return f"{_share(arm, metric)} (interval {low * 100:.1f}% to {high * 100:.1f}%)"


def _missed(arm: dict[str, Any]) -> str:
    return f"{arm['missed_per_1000']:.0f}"


def _recipe(arm: dict[str, Any]) -> str:
    recipe = parse_arm(arm["arm"])
    counts = sorted(set(arm["synthetic_per_class"].values()))
    amount = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    synthetic = f"{amount} synthetic images a class"
    if not recipe.uses_gan:
        return "flips, rotations, colour and scale jitter"
    if not recipe.uses_real:
        return f"{synthetic} in place of the real ones"
    return f"{synthetic} with flips, rotations, colour and scale jitter" if recipe.traditional else synthetic
