"""The rule on real trainings: how often does it call an arm better than itself, how often does it see a gain?

python -m tests.calibration.trainings RUN [trials] [seed]

RUN is the folder of a finished run, best over test folds, with 40 replicates or more of `real` and of arms that are
surely worse, such as real:25%. `real` is judged against each of them, and against itself. A trial draws trainings
without putting any back, and whole groups of test images putting them back, of one fold or of all; the truth is the
difference over all trainings on all images.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from components.compare.evaluations import Evaluation, load_evaluations
from components.compare.statistics.draws import Draws
from components.compare.statistics.influence import operating_specificity
from components.compare.statistics.rule import SENSITIVITY, judge
from components.compare.statistics.variance import Clusters, Sample, estimate, measure, pooled
from components.contracts.files import read_json
from components.contracts.imageset import ImageSet, read_imageset
from pipelines.runs.artifacts import evaluations_of
from tests.calibration.__main__ import REPLICATES, _share
from tests.calibration.worlds import ENDPOINTS, RULE

IMAGES = (660, 330)
MOST = max(REPLICATES)
_FIXED = {"sensitivity_at_specificity": RULE.endpoint_specificity}


@dataclass(frozen=True)
class Fold:
    """The evaluations of all arms on one test set, by their names, and the index of its positive class."""

    arms: dict[str, Evaluation]
    test: ImageSet
    positive: int


def load(run: Path) -> list[Fold]:
    """Return the folds of a finished run, one if it has a single test set."""
    return [_load(folder) for folder in sorted(run.glob("runs/fold-*")) or [run]]


def _load(run: Path) -> Fold:
    verdict = read_json(run / "verdict.json")
    test, external = (
        read_imageset(next(run.glob(f"artifacts/*/prepare/{name}"))) for name in ("test_set", "external_set")
    )
    positive = verdict["data_set"]["positive_class"]
    found = load_evaluations(evaluations_of(run), [arm["arm"] for arm in verdict["arms"]], test, external, positive)
    return Fold({each.arm: each for each in found}, test, test.classes.index(positive))


def trial(folds: Sequence[Fold], images: int, rng: np.random.Generator) -> dict[tuple[str, int], dict[str, str]]:
    """Return what the rule says of `real` against each arm, with each number of replicates, by each endpoint.

    `images` are drawn from each fold. Of `real` against itself no training stands on both sides.
    """
    drawn = [_measured(fold, images, rng) for fold in folds]
    fewest = sum(of for _, of in drawn)
    found = {}
    for arm in folds[0].arms:
        for replicates in REPLICATES:
            draws = Draws.of([""] * replicates * len(folds), np.repeat(np.arange(len(folds)), replicates).tolist())
            sides = []
            for side in (0, 1):
                of = [sides_of[arm][side] for sides_of, _ in drawn]
                sides.append({name: pooled([_first(each[name], replicates) for each in of], draws) for name in of[0]})
            difference = {name: estimate(sample, fewest, sides[1][name]) for name, sample in sides[0].items()}
            found[arm, replicates] = {
                name: judge({arm: difference}, replace(RULE, endpoint=name), images * len(folds))[arm].verdict
                for name in ENDPOINTS
            }
    return found


def truth(folds: Sequence[Fold], arm: str) -> dict[str, float]:
    """Return by how much `real` is better than an arm by each endpoint, over all trainings on all images."""

    def mean(fold: Fold, name: str) -> dict[str, float]:
        p = fold.arms[name].probabilities
        clusters, draws = Clusters.of(fold.test.labels, fold.test.groups), Draws.of([""] * len(p))
        found = measure(p, fold.test.labels, fold.positive, clusters, draws, ENDPOINTS, None, _FIXED)
        return {endpoint: float(sample.values.mean()) for endpoint, sample in found.items()}

    pairs = [(mean(fold, "real"), mean(fold, arm)) for fold in folds]
    return {name: float(np.mean([real[name] - other[name] for real, other in pairs])) for name in ENDPOINTS}


def _measured(
    fold: Fold, images: int, rng: np.random.Generator
) -> tuple[dict[str, tuple[dict[str, Sample], dict[str, Sample]]], int]:
    """Return the samples of `real` and of each arm on the same drawn images, `MOST` trainings each; and fewest groups.

    The specificity at which sensitivities are compared is that of the arm, as `real` is the one that is judged.
    """
    rows, groups = _drawn_images(fold.test, images, rng)
    labels = fold.test.labels[rows]
    clusters, draws = Clusters.of(labels, groups), Draws.of([""] * MOST)
    real, trainings = fold.arms["real"], rng.permutation(len(fold.arms["real"].probabilities))

    def samples(of: Evaluation, chosen: np.ndarray, wanted: Sequence[str], operating: float) -> dict[str, Sample]:
        p, cuts = of.probabilities[chosen][:, rows], [of.thresholds[r] for r in chosen]
        at = {name: level for name, level in {**_FIXED, SENSITIVITY: operating}.items() if name in wanted}
        return measure(p, labels, fold.positive, clusters, draws, wanted, cuts, at)

    judged = samples(real, trainings[:MOST], ENDPOINTS, 0.0)
    found = {}
    for name, arm in fold.arms.items():
        chosen = trainings[MOST : 2 * MOST] if arm is real else rng.permutation(len(arm.probabilities))[:MOST]
        cuts = [arm.thresholds[r] for r in chosen]
        operating = operating_specificity(
            arm.probabilities[chosen][:, rows], labels == fold.positive, fold.positive, cuts
        )
        own = judged | samples(real, trainings[:MOST], (SENSITIVITY,), operating)
        found[name] = (own, samples(arm, chosen, (*ENDPOINTS, SENSITIVITY), operating))
    return found, clusters.fewest


def _first(sample: Sample, replicates: int) -> Sample:
    return Sample(sample.values[:replicates], sample.parts[:replicates], Draws.of([""] * replicates))


def _drawn_images(test: ImageSet, images: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw whole groups, putting them back, until there are `images`, of each class in its share.

    Returns the rows of the images, and their groups: one that is drawn twice is two.
    """
    rows, groups = [], []
    for label in range(len(test.classes)):
        own = np.flatnonzero(test.labels == label)
        _, member = np.unique(test.groups[own], return_inverse=True)
        wanted = round(images * len(own) / len(test))
        for number, group in enumerate(rng.choice(member.max() + 1, wanted)):
            if wanted <= 0:
                break
            taken = own[member == group]
            rows.append(taken)
            groups += [f"{label} {number}"] * len(taken)
            wanted -= len(taken)
    return np.concatenate(rows), np.array(groups)


def main(run: str, trials: int = 400, seed: int = 0) -> None:
    """Print percent of `trials` with 95% intervals: of false verdicts for real against itself, of gains seen else."""
    folds = load(Path(run))
    print(f"| Real over, test images, replicates | {' | '.join(ENDPOINTS)} |\n| :-- |{' --: |' * len(ENDPOINTS)}")
    for arm in folds[0].arms:
        gains = " | ".join(f"{100 * gain:+.1f}" for gain in truth(folds, arm).values())
        print(f"| {arm}: the truth, points | {gains} |", flush=True)
    sizes = [(str(images), 1, images) for images in IMAGES]
    if len(folds) > 1:
        sizes.append((f"{sum(len(fold.test) for fold in folds)} in {len(folds)} folds", len(folds), len(folds[0].test)))
    for said, count, images in sizes:
        seen: dict[tuple[str, int], dict[str, int]] = {}
        for number in range(trials):
            chosen = folds if count > 1 else [folds[number % len(folds)]]
            for key, verdicts in trial(chosen, images, np.random.default_rng([seed, number, images, count])).items():
                counted = seen.setdefault(key, dict.fromkeys(ENDPOINTS, 0))
                for name, verdict in verdicts.items():
                    counted[name] += verdict in (("helps", "hurts") if key[0] == "real" else ("helps",))
        for (arm, replicates), counted in seen.items():
            cells = " | ".join(_share(counted[name], trials) for name in ENDPOINTS)
            print(f"| {arm}, {said}, {replicates} | {cells} |", flush=True)


if __name__ == "__main__":
    with threadpool_limits(1):
        main(sys.argv[1], *map(int, sys.argv[2:]))
