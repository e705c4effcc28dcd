"""Experiments over test folds whose truth is known: classifiers that are really trained, on sets that overlap.

Images are points of a normal distribution about the mean of their class. A training learns a linear discriminant with
a ridge penalty from four fifths of what lies outside its test fold, drawn by chance, and from synthetic points that a
generator draws: about the means of the training set, moved by the generator's own luck. Arms with a few generators a
fold have that luck in common between trainings; `real` stands for the same recipe with a generator a training. So all
arms are equally good by construction, whatever the training sets, and every verdict is false.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from components.compare.statistics.draws import Draws
from components.compare.statistics.influence import operating_specificity
from components.compare.statistics.rule import SENSITIVITY, Judgement, judge
from components.compare.statistics.variance import Clusters, Sample, estimate, measure, pooled
from tests.calibration.worlds import ENDPOINTS, RULE

_LEARNT = 0.8  # of what lies outside the test fold; the rest sets the threshold
_RIDGE = 5.0


@dataclass(frozen=True)
class Folded:
    """How much an experiment has of what, and its world.

    `features` are told apart by `distance`, in standard deviations between the means of the classes; `luck` moves the
    mean of a generator's class, `synthetic` points a class are drawn. `own` gives each arm features of its own, equally
    good: then arms are equally good over all training sets, but not with these. `elsewhere` images of each class are an
    external test set, `shift` further on in every feature: the arms are judged on it alone, by the models of all folds.
    """

    negatives: int = 360
    positives: int = 300
    folds: int = 5
    replicates: int = 5
    generators: int = 0
    arms: int = 2
    features: int = 20
    distance: float = 2.0
    luck: float = 0.0
    synthetic: int = 60
    own: bool = False
    elsewhere: int = 0
    shift: float = 0.0


def experiment(size: Folded, seed: Sequence[int]) -> dict[str, dict[str, Judgement]]:
    """Draw one experiment, train all of it, and judge its arms by each endpoint over the pooled folds."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1, 0, 1], [size.negatives, size.positives, size.elsewhere, size.elsewhere])
    names = ["real", *(f"gan:{n + 1}" for n in range(size.arms))]
    views = _points(size, labels, len(names), rng)
    fold = np.concatenate([rng.permutation(np.arange(n) % size.folds) for n in (size.negatives, size.positives)])
    elsewhere = np.arange(len(fold), len(labels))
    tests = [np.flatnonzero(fold == k) for k in range(size.folds)]
    predicted: dict[str, list[tuple[np.ndarray, list[float]]]] = {name: [] for name in names}
    for test in tests:
        rest = np.setdiff1d(np.arange(len(fold)), test)
        for name, x in zip(names, views, strict=True):
            predicted[name].append(_trained(size, x, labels, elsewhere if size.elsewhere else test, rest, name, rng))
    if size.elsewhere:
        tests = [elsewhere]
        predicted = {name: [_together(folds)] for name, folds in predicted.items()}
    clusters = [Clusters.of(labels[test], test) for test in tests]
    draws = {name: _draws(size, name) for name in names}
    at = [_specificities(p, labels[test], cuts) for test, (p, cuts) in zip(tests, predicted["real"], strict=True)]
    whole = {name: _over(folds, tests, labels, clusters, draws[name], at) for name, folds in predicted.items()}
    fewest = sum(each.fewest for each in clusters)
    differences = {
        name: {score: estimate(sample, fewest, whole["real"][score]) for score, sample in of.items()}
        for name, of in whole.items()
        if name != "real"
    }
    images = sum(map(len, tests))
    return {name: judge(differences, replace(RULE, endpoint=name), images) for name in ENDPOINTS}


def _together(folds: Sequence[tuple[np.ndarray, list[float]]]) -> tuple[np.ndarray, list[float]]:
    """Return the trainings of all folds, and their thresholds, as those of one."""
    return np.concatenate([p for p, _ in folds]), [cut for _, cuts in folds for cut in cuts]


def _specificities(p: np.ndarray, labels: np.ndarray, thresholds: Sequence[float]) -> dict[str, float]:
    operating = operating_specificity(p, labels == 1, 1, thresholds)
    return {"sensitivity_at_specificity": RULE.endpoint_specificity, SENSITIVITY: operating}


def _over(
    folds: Sequence[tuple[np.ndarray, list[float]]],
    tests: Sequence[np.ndarray],
    labels: np.ndarray,
    clusters: Sequence[Clusters],
    draws: Draws,
    at: Sequence[dict[str, float]],
) -> dict[str, Sample]:
    """Return the sample of each score of an arm, over all its test sets."""
    wanted = (*ENDPOINTS, SENSITIVITY)
    found = [
        measure(p, labels[test], 1, own, draws, wanted, cuts, specificities)
        for (p, cuts), test, own, specificities in zip(folds, tests, clusters, at, strict=True)
    ]
    return {score: pooled([each[score] for each in found], draws) for score in wanted}


def _points(size: Folded, labels: np.ndarray, arms: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return what each arm sees of the images (float64, N x features)."""
    middle = (2 * labels - 1)[:, None] * size.distance / 2 / np.sqrt(size.features)
    middle = middle + size.shift * (np.arange(len(labels)) >= size.negatives + size.positives)[:, None]
    if size.own:
        return [middle + rng.normal(size=(len(labels), size.features)) for _ in range(arms)]
    return [middle + rng.normal(size=(len(labels), size.features))] * arms


def _draws(size: Folded, name: str) -> Draws:
    folds = np.repeat(np.arange(size.folds), size.replicates).tolist()
    made = size.generators and name != "real"
    generators = [f"gan-{r % size.generators}" if made else "" for r in range(size.replicates)] * size.folds
    return Draws.of(generators, folds)


def _trained(
    size: Folded,
    x: np.ndarray,
    labels: np.ndarray,
    test: np.ndarray,
    rest: np.ndarray,
    name: str,
    rng: np.random.Generator,
) -> tuple[np.ndarray, list[float]]:
    """Return the probabilities of all trainings of an arm in a fold (float32, R x n x 2), and their thresholds."""
    alone = name == "real" or not size.generators
    luck = rng.normal(0, size.luck, (size.replicates if alone else size.generators, 2, size.features))
    means = np.stack([x[rest][labels[rest] == c].mean(axis=0) for c in (0, 1)])
    found, thresholds = [], []
    for r in range(size.replicates):
        kinds = [rng.permutation(rest[labels[rest] == c]) for c in (0, 1)]
        parts = [np.split(kind, [int(_LEARNT * len(kind))]) for kind in kinds]
        learnt, held_out = (np.concatenate(part) for part in zip(*parts, strict=True))
        points, targets = x[learnt], 2.0 * labels[learnt] - 1
        if size.luck:
            made = (means + luck[r % len(luck)]).repeat(size.synthetic, axis=0)
            points = np.concatenate([points, made + rng.normal(size=made.shape)])
            targets = np.concatenate([targets, np.repeat([-1.0, 1.0], size.synthetic)])
        weights = np.linalg.solve(points.T @ points + _RIDGE * np.eye(x.shape[1]), points.T @ targets)
        p = 1 / (1 + np.exp(-4 * x @ weights))
        found.append(np.stack([1 - p[test], p[test]], axis=1).astype(np.float32))
        positive = p[held_out][labels[held_out] == 1]
        thresholds.append(float(np.quantile(positive, 1 - RULE.target_sensitivity, method="lower")))
    return np.stack(found), thresholds
