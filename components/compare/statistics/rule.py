"""The rule by which `compare` says that an arm helps, hurts, or that there is no evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from components.compare.statistics.variance import Estimate
from components.compare.statistics.words import about, points, share, span

POWER = 0.8
FEWEST_REPLICATES = 3  # fewer say next to nothing about how much trainings vary
# Both arms at the specificity that real has with the thresholds of its validation rows: at equal false alarms.
SENSITIVITY = "sensitivity_at_operating_point"


@dataclass(frozen=True)
class Rule:
    """The parameters of the rule; shares in 0..1. `endpoint` is the score that the verdict is about."""

    confidence: float
    sensitivity_margin: float
    target_sensitivity: float
    endpoint: str
    endpoint_specificity: float
    bootstrap_resamples: int

    @classmethod
    def of(cls, parameters: dict[str, Any]) -> "Rule":
        """Take the rule's parameters out of all pipeline parameters."""
        return cls(**{name: parameters[name] for name in cls.__dataclass_fields__})

    @property
    def endpoint_name(self) -> str:
        """The endpoint in words."""
        return {
            "balanced_accuracy": "balanced accuracy",
            "auc": "AUC",
            "sensitivity_at_specificity": f"sensitivity at {share(self.endpoint_specificity)} specificity",
        }[self.endpoint]

    @property
    def text(self) -> str:
        """The rule in words."""
        return (
            "Each arm is compared with real on the same test images. The endpoint, named before the run, is "
            f"{self.endpoint_name}; all other scores are secondary. An arm helps if the interval of the difference in "
            f"{self.endpoint_name} lies above 0 and a loss of sensitivity of more than "
            f"{points(self.sensitivity_margin)} is excluded (one-sided {share(self.confidence)} interval, at equal "
            "false alarms: both at the specificity that real has with thresholds set on validation rows). It hurts if "
            f"the interval of the difference in {self.endpoint_name} lies below 0, or that of this sensitivity wholly "
            f"below -{points(self.sensitivity_margin)}. Otherwise there is no evidence. Intervals count what varies: "
            "the test images (whole groups), the trainings, and, from three generators on, the generators; with "
            "fewer the verdict is about these pictures. They use Student's quantiles for the number of each, and "
            "those of the rule are adjusted for the number of arms (Holm, "
            f"{share(self.confidence)} for all arms together). Below {FEWEST_REPLICATES} replicates there is no "
            "verdict."
        )


@dataclass(frozen=True)
class Judgement:
    """What the rule says of one arm; `confidence` is the level of the adjusted intervals.

    `ruled_out` says which gains and losses of the endpoint the adjusted interval excludes.
    """

    verdict: str
    reason: str
    ruled_out: str
    p_value: float
    p_holm: float
    confidence: float
    endpoint: tuple[float, float]
    sensitivity: tuple[float, float]
    test_images_needed: int | None


def judge(
    differences: dict[str, dict[str, Estimate]], rule: Rule, test_images: int, barred: Mapping[str, str] | None = None
) -> dict[str, Judgement]:
    """Judge all arms at once; of those that are `barred`, which says why, there is no verdict.

    `differences` holds for each arm but `real` the estimates of the endpoint and of `sensitivity_at_operating_point`,
    arm minus real. The adjusted intervals follow Holm's steps (1979, Scandinavian J. of Statistics 6(2)): the arm with
    the k-th smallest of m p-values has the confidence 1 - alpha / (m - k + 1), and all arms from the first that is not
    significant on have its confidence. So an adjusted interval excludes 0 if and only if Holm's p is below alpha.
    Holm's steps hold however the arms depend on each other and whatever degrees of freedom each has; the joint
    distribution that a studentised maximum needs is not known well enough from a few replicates. The margin keeps the
    second way to hurt from adding to alpha; a margin of 0 would add up to alpha / 2.
    """
    barred = barred or {}
    told = {arm: of for arm, of in differences.items() if arm not in barred and enough(of[rule.endpoint])}
    levels = holm({arm: of[rule.endpoint].p_value() for arm, of in told.items()}, rule.confidence)
    widest = 1 - (1 - rule.confidence) / max(len(differences), 1)
    return {
        arm: _judge(of, *levels[arm], rule, test_images)
        if arm in told
        else _no_verdict(of, widest, rule, barred.get(arm) or _too_few(of[rule.endpoint]))
        for arm, of in differences.items()
    }


def enough(difference: Estimate) -> bool:
    """Whether there are trainings enough, within their generators, to say how much they vary."""
    return difference.replicates >= FEWEST_REPLICATES and len(difference.units) > 0


def holm(p_values: dict[str, float], confidence: float) -> dict[str, tuple[float, float, float]]:
    """Return for each p-value itself, Holm's adjusted one, and the confidence of its adjusted interval."""
    if not p_values:
        return {}
    names = sorted(p_values, key=lambda name: p_values[name])
    found, p_holm, level = {}, 0.0, confidence
    rejecting = True
    for rank, name in enumerate(names):
        left = len(names) - rank
        p_holm = max(p_holm, min(1.0, left * p_values[name]))
        if rejecting:  # the first that is not significant still gets its own level, all after it the same
            level = 1 - (1 - confidence) / left
            rejecting = p_holm <= 1 - confidence
        found[name] = (p_values[name], p_holm, level)
    return found


def _no_verdict(difference: dict[str, Estimate], level: float, rule: Rule, reason: str) -> Judgement:
    intervals = difference[rule.endpoint].interval(level), difference[SENSITIVITY].interval(level)
    return Judgement("no verdict", reason, "Nothing is ruled out.", 1.0, 1.0, level, *intervals, None)


def _too_few(endpoint: Estimate) -> str:
    """Return why these replicates and generators allow no verdict."""
    if endpoint.replicates < FEWEST_REPLICATES:
        return (
            f"At least {FEWEST_REPLICATES} replicates are needed: {endpoint.replicates} can't say how much trainings "
            "vary."
        )
    return (
        "More replicates than generators are needed, or at least 3 generators: as it is, nothing says how much "
        "trainings vary."
    )


def _judge(
    difference: dict[str, Estimate], p: float, p_holm: float, level: float, rule: Rule, test_images: int
) -> Judgement:
    endpoint, sensitivity = difference[rule.endpoint], difference[SENSITIVITY]
    change, change_of_sensitivity = endpoint.interval(level), sensitivity.interval(level)
    margin, alpha = rule.sensitivity_margin, 1 - rule.confidence
    worst = sensitivity.interval(1 - 2 * alpha)[0]
    needed: int | None = None
    name = rule.endpoint_name
    moved = f"{name[0].upper()}{name[1:]} {{}} by {points(endpoint.value)} ({share(level)} interval {span(change)})"
    if change_of_sensitivity[1] < -margin:
        verdict = "hurts"
        reason = (
            f"Sensitivity at equal false alarms falls by {points(sensitivity.value)} ({share(level)} interval "
            f"{span(change_of_sensitivity)}), more than the margin of {points(margin)}"
        )
    elif change[1] < 0:
        verdict, reason = "hurts", moved.format("falls")
    elif change[0] > 0 and worst > -margin:
        verdict = "helps"
        reason = moved.format("rises") + (f", and a loss of sensitivity of more than {points(margin)} is excluded")
    elif change[0] > 0:
        verdict = "no evidence"
        needed = _images_needed(sensitivity, max(0.0, sensitivity.value + margin), alpha, test_images)
        reason = moved.format("rises") + (
            f", but a loss of sensitivity of more than {points(margin)} cannot be excluded "
            f"(difference {sensitivity.value * 100:+.1f} points, it may be as low as {worst * 100:+.1f})"
        )
        reason += f"; about {about(needed)} test images could" if needed else "; more test images alone would not do it"
    else:
        verdict = "no evidence"
        needed = _images_needed(endpoint, abs(endpoint.value), (1 - level) / 2, test_images)
        reason = (
            f"The difference in {name} of {endpoint.value * 100:+.1f} percentage points "
            f"({share(level)} interval {span(change)}) may be chance; "
        )
        if needed:
            reason += f"it would take about {about(needed)} test images to see a difference of that size"
        elif endpoint.value == 0:
            reason += "there is no difference to be seen"
        else:
            what = "generators" if endpoint.generator_variance > endpoint.lasting_variance / 2 else "replicates"
            reason += f"the {what} vary too much to see a difference of that size, so more {what} are needed first"
    return Judgement(verdict, f"{reason}.", _ruled_out(change), p, p_holm, level, change, change_of_sensitivity, needed)


def _ruled_out(change: tuple[float, float]) -> str:
    low, high = change
    gain = f"any gain above {points(high)}" if high > 0 else "any gain"
    loss = f"any loss beyond {points(low)}" if low < 0 else "any loss"
    return f"{gain[0].upper()}{gain[1:]} and {loss} are excluded."


def _images_needed(estimate: Estimate, size: float, tail: float, test_images: int) -> int | None:
    """Return how many test images show an effect of `size` at 80% power, or None if no number does."""
    bearable = (size / (stats.norm.isf(tail) + stats.norm.ppf(POWER))) ** 2 - estimate.lasting_variance
    if bearable <= 0 or estimate.shrinking_variance == 0:
        return None
    return int(np.ceil(min(test_images * estimate.shrinking_variance / bearable, 1e12)))
