"""The rule by which `compare` says that an arm helps, hurts, or that there is no evidence."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from components.compare.statistics.resample import Estimate

POWER = 0.8


@dataclass(frozen=True)
class Rule:
    """The parameters of the rule; shares in 0..1."""

    confidence: float
    sensitivity_margin: float
    target_sensitivity: float
    bootstrap_resamples: int

    @classmethod
    def of(cls, parameters: dict[str, Any]) -> "Rule":
        """Take the rule's parameters out of all pipeline parameters."""
        return cls(**{name: parameters[name] for name in cls.__dataclass_fields__})

    @property
    def text(self) -> str:
        """The rule in words."""
        return (
            "Each arm is compared with real on the same test images, replicate by replicate. It helps if the interval "
            "of the difference in balanced accuracy lies above 0 and a loss of sensitivity of more than "
            f"{points(self.sensitivity_margin)} is excluded (one-sided {share(self.confidence)} interval). It hurts if "
            "the interval of the difference in balanced accuracy lies below 0, or that of sensitivity wholly below "
            f"-{points(self.sensitivity_margin)}. Otherwise there is no evidence. Intervals come from "
            f"{self.bootstrap_resamples:,} resamples of the test images, by group, and from the variation between "
            "replicates; those of the rule are adjusted for the number of arms (Holm, "
            f"{share(self.confidence)} for all arms together). What differs between trainings is counted as far as "
            "replicates differ: with one GAN a class the verdict is about that GAN."
        )


@dataclass(frozen=True)
class Judgement:
    """What the rule says of one arm; `confidence` is the level of the adjusted intervals."""

    verdict: str
    reason: str
    p_value: float
    p_holm: float
    confidence: float
    balanced_accuracy: tuple[float, float]
    sensitivity: tuple[float, float]
    test_images_needed: int | None


def points(value: float) -> str:
    """Write a difference of shares in percentage points."""
    text = f"{abs(value) * 100:.1f}".removesuffix(".0")
    return f"{text} percentage point{'' if text == '1' else 's'}"


def share(value: float) -> str:
    """Write a share as a percentage, without needless digits."""
    return f"{value * 100:.2f}".rstrip("0").rstrip(".") + "%"


def span(interval: tuple[float, float] | list[float]) -> str:
    """Write the interval of a difference in percentage points."""
    return f"{interval[0] * 100:+.1f} to {interval[1] * 100:+.1f}"


def judge(differences: dict[str, dict[str, Estimate]], rule: Rule, test_images: int) -> dict[str, Judgement]:
    """Judge all arms at once.

    `differences` holds for each arm but `real` the estimates of `balanced_accuracy` and `sensitivity`, arm minus
    real. The adjusted intervals follow Holm's steps (1979, Scandinavian J. of Statistics 6(2)): the arm with the k-th
    smallest of m p-values has the confidence 1 - alpha / (m - k + 1), and all arms from the first that is not
    significant on have its confidence. So an adjusted interval excludes 0 if and only if Holm's p is below alpha. The
    margin keeps the second way to hurt from adding to alpha; a margin of 0 would add up to alpha / 2.
    """
    if not differences:
        return {}
    p_values = [difference["balanced_accuracy"].p_value() for difference in differences.values()]
    rejected, p_holm, _, _ = multipletests(p_values, alpha=1 - rule.confidence, method="holm")
    count, steps = len(p_values), int(np.sum(rejected))
    ranks = np.empty(count, dtype=int)
    ranks[np.argsort(p_values, kind="stable")] = np.arange(count)
    levels = 1 - (1 - rule.confidence) / (count - np.minimum(ranks, min(steps, count - 1)))
    return {
        arm: _judge(difference, float(p), float(adjusted), float(level), rule, test_images)
        for (arm, difference), p, adjusted, level in zip(differences.items(), p_values, p_holm, levels, strict=True)
    }


def _judge(
    difference: dict[str, Estimate], p: float, p_holm: float, level: float, rule: Rule, test_images: int
) -> Judgement:
    accuracy, sensitivity = difference["balanced_accuracy"], difference["sensitivity"]
    change, change_of_sensitivity = accuracy.interval(level), sensitivity.interval(level)
    margin, alpha = rule.sensitivity_margin, 1 - rule.confidence
    worst = sensitivity.interval(1 - 2 * alpha)[0]
    needed: int | None = None
    moved = f"Balanced accuracy {{}} by {points(accuracy.value)} ({share(level)} interval {span(change)})"
    if change_of_sensitivity[1] < -margin:
        verdict = "hurts"
        reason = (
            f"Sensitivity falls by {points(sensitivity.value)} ({share(level)} interval "
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
        reason += (
            f"; about {_about(needed)} test images could" if needed else "; more test images alone would not do it"
        )
    else:
        verdict = "no evidence"
        needed = _images_needed(accuracy, abs(accuracy.value), (1 - level) / 2, test_images)
        reason = (
            f"The difference in balanced accuracy of {accuracy.value * 100:+.1f} percentage points "
            f"({share(level)} interval {span(change)}) may be chance; "
        )
        if needed:
            reason += f"it would take about {_about(needed)} test images to see a difference of that size"
        elif accuracy.value == 0:
            reason += "there is no difference to be seen"
        else:
            reason += (
                "the replicates vary too much to see a difference of that size, so more replicates are needed first"
            )
    if accuracy.units == 1:
        reason += "; this holds for this one training only, as one replicate does not show how much trainings vary"
    return Judgement(verdict, reason + ".", p, p_holm, level, change, change_of_sensitivity, needed)


def _images_needed(estimate: Estimate, size: float, tail: float, test_images: int) -> int | None:
    """Return how many test images show an effect of `size` at 80% power, or None if no number does."""
    bearable = (size / (stats.norm.isf(tail) + stats.norm.ppf(POWER))) ** 2 - estimate.lasting_variance
    if bearable <= 0 or estimate.shrinking_variance == 0:
        return None
    return int(np.ceil(min(test_images * estimate.shrinking_variance / bearable, 1e12)))


def _about(count: int) -> str:
    """Round up to two digits, as more are not known."""
    unit = 10 ** max(0, len(str(count)) - 2)
    return f"{-(-count // unit) * unit:,}"
