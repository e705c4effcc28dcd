"""Experiments whose truth is known: predictions drawn from a model of images, arms, generators and trainings.

The logit of the positive class is skill (signed by the true class) + group + image + image-by-arm + generator and
training (the skill and the bias of each) + image-by-generator + image-by-training. All terms are normal, so the true
scores over all images, generators and trainings have closed forms. The usual world is modelled on 30 trainings of the
paper's network on its images: between them accuracy varies by 1.2, sensitivity by 2.9 and specificity by 3.6 points.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from components.compare.statistics.draws import Draws
from components.compare.statistics.influence import operating_specificity
from components.compare.statistics.rule import SENSITIVITY, Judgement, Rule, judge
from components.compare.statistics.variance import Clusters, Estimate, Sample, estimate, measure

ENDPOINTS = ("balanced_accuracy", "auc", "sensitivity_at_specificity")
RULE = Rule(
    confidence=0.95,
    sensitivity_margin=0.02,
    target_sensitivity=0.9,
    endpoint="balanced_accuracy",
    endpoint_specificity=0.9,
    bootstrap_resamples=200,
)
_VALIDATION = 200  # images of each class on which a training's operating threshold is set


@dataclass(frozen=True)
class World:
    """The standard deviations of the terms, and `skill`, the mean logit: 1.3 makes a classifier of about 84%."""

    skill: float = 1.3
    image: float = 1.2
    group: float = 0.0
    arm: float = 0.3
    training_skill: float = 0.04
    training_bias: float = 0.19
    noise: float = 0.5
    generator_skill: float = 0.0
    generator_bias: float = 0.0

    def better(self, points: float) -> "World":
        """Return a world whose balanced accuracy is higher by `points` (0..1)."""
        spread = self.spread
        return replace(self, skill=spread * stats.norm.ppf(stats.norm.cdf(self.skill / spread) + points))

    @property
    def spread(self) -> float:
        """The standard deviation of the logit of one class."""
        return float(
            np.sqrt(
                self.image**2 + self.group**2 + self.arm**2 + self.noise**2 + self.training_skill**2
                + self.training_bias**2 + self.generator_skill**2 + self.generator_bias**2
            )
        )  # fmt: skip

    def truth(self, metric: str) -> float:
        """Return the true score over all images, generators and trainings."""
        if metric == "auc":
            images = self.image**2 + self.group**2 + self.arm**2 + self.noise**2
            variance = 2 * images + 4 * (self.training_skill**2 + self.generator_skill**2)
            return float(stats.norm.cdf(2 * self.skill / np.sqrt(variance)))
        return float(stats.norm.cdf(self.skill / self.spread))


@dataclass(frozen=True)
class Size:
    """How much an experiment has of what; `per_group` images of one class make a group."""

    negatives: int = 360
    positives: int = 300
    replicates: int = 5
    generators: int = 1
    per_group: int = 1


def predictions(
    worlds: dict[str, World], size: Size, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return labels (N), groups (N), and each arm's probabilities (float32, R x N x 2) and operating thresholds (R).

    The arms share their image and group terms. Generator terms are those of replicate r modulo `generators`, and
    fall away in real.
    """
    labels = np.repeat([0, 1], [size.negatives, size.positives])
    groups = np.concatenate([[f"{c}-{i // size.per_group}" for i in range(n)] for c, n in
                             ((0, size.negatives), (1, size.positives))])  # fmt: skip
    first, sign, count = next(iter(worlds.values())), 2 * labels - 1, len(labels)
    _, of_image = np.unique(groups, return_inverse=True)
    shared = rng.normal(0, first.image, count) + rng.normal(0, first.group, of_image.max() + 1)[of_image]
    drawn, thresholds = {}, {}
    for arm, world in worlds.items():
        generator = np.arange(size.replicates) % size.generators
        made = arm != "real"
        skills = rng.normal(0, world.training_skill, size.replicates)
        biases = rng.normal(0, world.training_bias, size.replicates)
        if made:
            skills = skills + rng.normal(0, world.generator_skill, size.generators)[generator]
            biases = biases + rng.normal(0, world.generator_bias, size.generators)[generator]
        skill, bias = world.skill + skills[:, None], biases[:, None]
        logit = sign * skill + bias + shared + rng.normal(0, world.arm, count)
        logit = logit + rng.normal(0, world.noise, (size.replicates, count))
        spread = np.sqrt(world.image**2 + world.group**2 + world.arm**2 + world.noise**2)
        held_out = skill + bias + rng.normal(0, spread, (size.replicates, _VALIDATION))
        thresholds[arm] = 1 / (1 + np.exp(-np.quantile(held_out, 1 - RULE.target_sensitivity, axis=1, method="lower")))
        p = 1 / (1 + np.exp(-logit))
        drawn[arm] = np.stack([1 - p, p], axis=2).astype(np.float32)
    return labels, groups, drawn, thresholds


def samples(
    worlds: dict[str, World], size: Size, seed: int | list[int], wanted: Sequence[str] = (*ENDPOINTS, SENSITIVITY)
) -> tuple[dict[str, dict[str, Sample]], Clusters]:
    """Draw one experiment and return the samples that its arms are judged by."""
    labels, groups, drawn, thresholds = predictions(worlds, size, np.random.default_rng(seed))
    clusters = Clusters.of(labels, groups)
    generators = [f"gan-{r % size.generators}" for r in range(size.replicates)]
    operating = operating_specificity(drawn["real"], labels == 1, 1, list(thresholds["real"]))
    at = {"sensitivity_at_specificity": RULE.endpoint_specificity, SENSITIVITY: operating}
    found = {}
    for arm, p in drawn.items():
        draws = Draws.of([""] * size.replicates if arm == "real" else generators)
        found[arm] = measure(p, labels, 1, clusters, draws, wanted, list(thresholds[arm]), at)
    return found, clusters


def cut(found: dict[str, dict[str, Sample]], replicates: int) -> dict[str, dict[str, Sample]]:
    """Return what the first `replicates` alone would have shown, for arms whose trainings share one generator."""

    def first(sample: Sample, arm: str) -> Sample:
        draws = Draws.of(["" if arm == "real" else "gan-0"] * replicates)
        return Sample(sample.values[:replicates], sample.parts[:replicates], draws)

    return {arm: {name: first(sample, arm) for name, sample in own.items()} for arm, own in found.items()}


def judge_all(found: dict[str, dict[str, Sample]], clusters: Clusters, images: int) -> dict[str, dict[str, Judgement]]:
    """Judge all arms against `real`, as `compare` does, by each endpoint."""
    differences = differences_of(found, clusters)
    return {name: judge(differences, replace(RULE, endpoint=name), images) for name in ENDPOINTS}


def differences_of(found: dict[str, dict[str, Sample]], clusters: Clusters) -> dict[str, dict[str, Estimate]]:
    """Return each arm's differences to `real`."""
    return {
        arm: {name: estimate(s, clusters.fewest, found["real"][name]) for name, s in own.items()}
        for arm, own in found.items()
        if arm != "real"
    }


def experiment(
    worlds: dict[str, World],
    seed: int | list[int],
    size: Size = Size(),  # noqa: B008 (frozen)
) -> dict[str, dict[str, Judgement]]:
    """Draw one experiment and judge its arms against `real`, as `compare` does, by each endpoint."""
    found, clusters = samples(worlds, size, seed)
    return judge_all(found, clusters, size.negatives + size.positives)
