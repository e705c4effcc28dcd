"""Experiments whose truth is known: predictions drawn from a model of images, arms and replicates.

The logit of the positive class is skill (signed by the true class) + image + image-by-arm + replicate (its skill and
its bias) + image-by-replicate. All terms are normal, so the true scores over all images and replicates have closed
forms.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy import stats

from components.compare.statistics.resample import draw_images, estimate, resampled_scores
from components.compare.statistics.rule import Judgement, Rule, judge

RULE = Rule(confidence=0.95, sensitivity_margin=0.02, target_sensitivity=0.9, bootstrap_resamples=200)
JUDGED = ("balanced_accuracy", "sensitivity")


@dataclass(frozen=True)
class World:
    """The standard deviations of the terms, and `skill`, the mean logit: 1.3 makes a classifier of about 87%."""

    skill: float = 1.3
    image: float = 1.0
    arm: float = 0.3
    replicate_skill: float = 0.05
    replicate_bias: float = 0.1
    noise: float = 0.5

    def better(self, points: float) -> "World":
        """Return a world whose sensitivity and specificity are higher by `points` (0..1)."""
        spread = self._spread()
        return replace(self, skill=spread * stats.norm.ppf(stats.norm.cdf(self.skill / spread) + points))

    def truth(self, metric: str) -> float:
        """Return the true score over all images and replicates."""
        if metric == "auc":
            variance = 2 * (self.image**2 + self.arm**2 + self.noise**2) + 4 * self.replicate_skill**2
            return float(stats.norm.cdf(2 * self.skill / np.sqrt(variance)))
        return float(stats.norm.cdf(self.skill / self._spread()))

    def _spread(self) -> float:
        return float(np.hypot.reduce([self.image, self.arm, self.noise, self.replicate_skill, self.replicate_bias]))


def predictions(
    worlds: dict[str, World], negatives: int, positives: int, replicates: int, rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the labels (N) and each arm's probabilities (float32, R x N x 2). The arms share image terms."""
    labels = np.repeat([0, 1], [negatives, positives])
    image = rng.normal(0, next(iter(worlds.values())).image, len(labels))
    found = {}
    for arm, world in worlds.items():
        skill = world.skill + rng.normal(0, world.replicate_skill, (replicates, 1))
        logit = (2 * labels - 1) * skill + rng.normal(0, world.replicate_bias, (replicates, 1)) + image
        logit += rng.normal(0, world.arm, len(labels)) + rng.normal(0, world.noise, (replicates, len(labels)))
        p = 1 / (1 + np.exp(-logit))
        found[arm] = np.stack([1 - p, p], axis=2).astype(np.float32)
    return labels, found


@cache
def resamples(negatives: int, positives: int) -> np.ndarray:
    """Return one set of resamples, shared by the experiments of this size: they are independent of what these draw."""
    labels = np.repeat([0, 1], [negatives, positives])
    return draw_images(labels, np.arange(len(labels)), RULE.bootstrap_resamples, seed=1)


def experiment(
    worlds: dict[str, World], seed: int, negatives: int = 360, positives: int = 300, replicates: int = 5
) -> dict[str, Judgement]:
    """Draw one experiment and judge its arms against `real`, as `compare` does."""
    labels, drawn = predictions(worlds, negatives, positives, replicates, np.random.default_rng(seed))
    images = resamples(negatives, positives)
    series = {arm: resampled_scores(p, labels, 1, images, JUDGED) for arm, p in drawn.items()}
    differences = {
        arm: {m: estimate(s[m] - series["real"][m], np.arange(replicates), positives) for m in JUDGED}
        for arm, s in series.items()
        if arm != "real"
    }
    return judge(differences, RULE, len(labels))
