"""The rule on real trainings: how often does it call one arm against itself different, how often does it see a loss?

python -m tests.calibration.trainings RUN [trials] [seed]

RUN is the folder of a finished run with many replicates, of `real` and of arms that are surely worse, such as real:50%.
A trial draws trainings of two arms without putting any back, and test images putting them back; the truth is the
difference over all trainings on all images.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from components.compare.evaluations import Evaluation, load_evaluations
from components.compare.statistics.draws import Draws
from components.compare.statistics.influence import operating_specificity
from components.compare.statistics.rule import SENSITIVITY, judge
from components.compare.statistics.variance import Clusters, estimate, measure
from components.contracts.files import read_json
from components.contracts.imageset import ImageSet, read_imageset
from tests.calibration.__main__ import _share
from tests.calibration.worlds import ENDPOINTS, RULE

IMAGES, REPLICATES = (330, 660), (3, 5, 10, 20)


def load(run: Path) -> tuple[list[Evaluation], ImageSet, int]:
    """Return a finished run's evaluations, its test set and the index of its positive class."""
    plan = read_json(next(run.glob("artifacts/*/plan/plan_json")))
    test = read_imageset(next(run.glob("artifacts/*/prepare/test_set")))
    folders = sorted(run.glob("artifacts/*/*/evaluate/evaluation"))
    external = read_imageset(next(run.glob("artifacts/*/prepare/external_set")))
    found = load_evaluations(folders, plan["arms"], test, external, plan["positive_class"])
    return found, test, test.classes.index(plan["positive_class"])


def verdicts(
    real: Evaluation,
    arm: Evaluation,
    test: ImageSet,
    positive: int,
    images: int,
    replicates: int,
    trials: int,
    seed: int = 0,
) -> dict[str, list[str]]:
    """Return the verdicts of all trials on `arm` against `real`, by endpoint.

    Of `real` against itself no training stands on both sides.
    """
    found: dict[str, list[str]] = {name: [] for name in ENDPOINTS}
    for trial in range(trials):
        rng = np.random.default_rng([seed, trial, images, replicates])
        rows, groups = _drawn_images(test, images, rng)
        first = rng.permutation(len(real.probabilities))
        second = rng.permutation(len(arm.probabilities)) if arm is not real else first[replicates:]
        labels = test.labels[rows]
        clusters, draws = Clusters.of(labels, groups), Draws.of([""] * replicates)
        sides = {}
        at: dict[str, float] = {}
        for name, of, chosen in (("real", real, first[:replicates]), ("arm", arm, second[:replicates])):
            p, cuts = of.probabilities[chosen][:, rows], [of.thresholds[r] for r in chosen]
            if name == "real":
                operating = operating_specificity(p, labels == positive, positive, cuts)
                at = {"sensitivity_at_specificity": RULE.endpoint_specificity, SENSITIVITY: operating}
            sides[name] = measure(p, labels, positive, clusters, draws, (*ENDPOINTS, SENSITIVITY), cuts, at)
        difference = {name: estimate(s, clusters.fewest, sides["real"][name]) for name, s in sides["arm"].items()}
        for name in ENDPOINTS:
            found[name].append(judge({"arm": difference}, replace(RULE, endpoint=name), images)["arm"].verdict)
    return found


def truth(real: Evaluation, arm: Evaluation, test: ImageSet, positive: int) -> dict[str, float]:
    """Return the difference of each endpoint over all trainings on all images."""
    clusters = Clusters.of(test.labels, test.groups)
    at = {"sensitivity_at_specificity": RULE.endpoint_specificity}
    means = [
        measure(
            e.probabilities, test.labels, positive, clusters, Draws.of([""] * len(e.probabilities)), ENDPOINTS, None, at
        )
        for e in (arm, real)
    ]
    return {name: float(means[0][name].values.mean() - means[1][name].values.mean()) for name in ENDPOINTS}


def _drawn_images(test: ImageSet, images: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw images putting them back, `images` in all, of each class in its share; each is independent."""
    rows, groups = [], []
    for label in range(len(test.classes)):
        own = np.flatnonzero(test.labels == label)
        wanted = round(images * len(own) / len(test))
        drawn = rng.choice(own, wanted)
        rows.append(drawn)
        groups += [f"{label} {number}" for number in range(wanted)]
    return np.concatenate(rows), np.array(groups)


def main(run: str, trials: int = 400, seed: int = 0) -> None:
    """Print percent of `trials` with 95% intervals: of false verdicts for real against itself, of losses seen else."""
    evaluations, test, positive = load(Path(run))
    real = next(each for each in evaluations if each.arm == "real")
    print(f"| Arm, test images, replicates | {' | '.join(ENDPOINTS)} |\n| :-- |{' --: |' * len(ENDPOINTS)}")
    for arm in evaluations:
        if arm is not real:
            differences = truth(real, arm, test, positive).values()
            print(
                f"| {arm.arm}: the truth, points | {' | '.join(f'{100 * d:+.1f}' for d in differences)} |", flush=True
            )
        wanted = ("helps", "hurts") if arm is real else ("hurts",)
        for images in IMAGES:
            for replicates in REPLICATES:
                if len(real.probabilities) < replicates * (2 if arm is real else 1):
                    continue
                found = verdicts(real, arm, test, positive, images, replicates, trials, seed)
                cells = [_share(sum(verdict in wanted for verdict in found[name]), trials) for name in ENDPOINTS]
                print(f"| {arm.arm}, {images}, {replicates} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    with threadpool_limits(1):
        main(sys.argv[1], *map(int, sys.argv[2:]))
