"""The recommendation and the answer: the first sentences that a reader sees, fit to be read aloud."""

from collections.abc import Sequence
from typing import Any

from components.compare.gate import barred_arms, barring
from components.compare.statistics.draws import FEWEST_GENERATORS
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
    """Return why arms of some `sources` can't be judged, and a few sentences on the others.

    These say what was compared and found, how sure that is, and what it costs in missed disease.
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
    against = shown["against_real"]
    pictures = against["scope"] == "pictures"
    on_images = f"on {test_images:,} test images"
    change = _change(shown, endpoint)
    if helping:
        helps = "these pictures help" if pictures else f"{recommended} helps"
        named = f" ({recommended})" if pictures else ""
        levels = f"from {_share(real, endpoint)} with the real images alone (real) to {_share(shown, endpoint)}"
        said = [f"Yes, {helps}: {_recipe(shown)}{named} lift {name} {on_images} {levels}, by {change}."]
    else:
        untold = all(arm["against_real"]["verdict"] == "no verdict" for arm in rivals)
        changed = (
            f"{shown['arm']} ({_recipe(shown)}), changes {name} from {_share(real, endpoint)} to "
            f"{_share(shown, endpoint)}, by {change}."
        )
        if untold:
            reason = against["reason"]
            said = [f"No verdict: {reason[0].lower()}{reason[1:]}"]
        elif len(rivals) == 1:
            left = " left" if others else ""
            said = [f"The one arm{left} beside the real images alone (real) was not shown to help {on_images}."]
        else:
            said = [
                f"None of {len(rivals)} arms, other ways to train than on the real images alone (real), was shown to "
                f"help {on_images}."
            ]
        said.append(f"{'That arm' if len(rivals) == 1 else 'The best one'}, {changed}")
        said += [against["ruled_out"]] if against["verdict"] == "no evidence" else []
    said.append(_missed_disease(real, shown, positive_class, rule))
    said += _others(rivals, helping, "helps", "help", " too") + _others(rivals, None, "hurts", "hurt", "")
    if pictures:
        said.append(
            f"As fewer than {FEWEST_GENERATORS} generators drew the synthetic images, this holds for these, not for "
            "others drawn in the same way."
        )
    return " ".join(said)


def _others(
    arms: list[dict[str, Any]], told: dict[str, Any] | None, verdict: str, plural: str, ending: str
) -> list[str]:
    """Name the arms of a verdict that are not told of yet, in a sentence; none without any."""
    names = [arm["arm"] for arm in arms if arm["against_real"]["verdict"] == verdict and arm is not told]
    listed = " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
    return [f"{listed} {verdict if len(names) == 1 else plural}{ending}."] if names else []


def _missed_disease(real: dict[str, Any], shown: dict[str, Any], positive_class: str, rule: Rule) -> str:
    """Say how many images of the disease an arm misses of 1,000, and how many more or fewer than `real`."""
    sensitivity = _difference(shown, SENSITIVITY)
    low, high = sensitivity["interval"]
    one_side = low * high > 0
    nearer, further = (_more(end) for end in (sorted((low, high), key=abs) if one_side else (high, low)))
    interval = f"{nearer.split()[0] if one_side and nearer[0].isdigit() else nearer} to {further}"
    return (
        f"At equal false alarms it misses {_missed(shown)} of 1,000 {positive_class} images and real "
        f"{_missed(real)}: {_more(sensitivity['estimate'])} ({share(rule.confidence)} interval {interval})."
    )


def _more(sensitivity: float) -> str:
    """Return a change of sensitivity as images missed, of 1,000."""
    missed = round(-1000 * sensitivity)
    return f"{abs(missed)} {'more' if missed > 0 else 'fewer'}" if missed else "as many"


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
    beside = f"{synthetic} beside the real ones"
    if not recipe.uses_synthetic:
        return _without_synthetic(recipe)
    if not recipe.uses_real:
        return f"{synthetic} in place of the real ones"
    return f"{beside}, all with flips, rotations, colour and scale jitter" if recipe.traditional else beside


def _without_synthetic(recipe: Arm) -> str:
    rare = {"balanced": "class weights", "oversampled": "repeated images of rare classes"}
    parts = [rare[recipe.rare]] if recipe.rare else []
    if recipe.traditional:
        parts.append("flips, rotations, colour and scale jitter")
    return " and ".join(parts) or f"{recipe.real_share:.0%} of the real images"
