"""How often does the rule call a difference where there is none, and how often does it see one? `make calibrate`.

python -m tests.calibration [trials] [seed]
"""

import sys
from dataclasses import replace

from statsmodels.stats.proportion import proportion_confint
from threadpoolctl import threadpool_limits

from components.compare.comparison import spread
from components.compare.statistics.rule import Judgement
from pipelines.sweep.replicates import PILOT, enough_replicates
from tests.calibration.folds import Folded
from tests.calibration.folds import experiment as folded_experiment
from tests.calibration.worlds import ENDPOINTS, Size, World, cut, differences_of, experiment, judge_all, samples

USUAL = World()
GENERATORS = replace(USUAL, generator_skill=0.1, generator_bias=0.2)
SURE = replace(USUAL, skill=6.0)
CHANCE = replace(USUAL, skill=0.05)
NOISY = replace(USUAL, training_skill=0.12, training_bias=0.4)
GROUPS = replace(USUAL, image=0.8, group=0.9)
NULLS: dict[str, tuple[World, Size, int]] = {
    **{f"{r} replicates": (USUAL, Size(replicates=r), 2) for r in (2, 3, 4, 5, 10, 20)},
    **{f"{g} generators, luck among them": (GENERATORS, Size(replicates=10, generators=g), 2) for g in (3, 4, 5)},
    "3 generators of 3 replicates": (GENERATORS, Size(replicates=3, generators=3), 2),
    "2 generators, none differs": (USUAL, Size(replicates=6, generators=2), 2),
    "1 arm beside real": (USUAL, Size(), 1),
    **{f"{a} arms": (USUAL, Size(), a) for a in (4, 9)},
    "9 arms, 3 replicates": (USUAL, Size(replicates=3), 9),
    "9 arms of 3 generators, luck among them": (GENERATORS, Size(replicates=6, generators=3), 9),
    "groups of 5": (GROUPS, Size(per_group=5), 2),
    "groups of 5, 3 replicates": (GROUPS, Size(replicates=3, per_group=5), 2),
    "rare class: 20 of 660": (USUAL, Size(640, 20), 2),
    "rare class, 3 replicates": (USUAL, Size(640, 20, 3), 2),
    "nearly perfect": (SURE, Size(), 2),
    "nearly perfect, 3 replicates": (SURE, Size(replicates=3), 2),
    "near chance": (CHANCE, Size(), 2),
    "near chance, 3 replicates": (CHANCE, Size(replicates=3), 2),
    "trainings vary twice as much": (NOISY, Size(), 2),
    "trainings vary twice as much, 3 replicates": (NOISY, Size(replicates=3), 2),
    "40 test images": (USUAL, Size(20, 20), 2),
}
FOLDS: dict[str, Folded] = {
    **{f"5 test folds, {r} replicates": Folded(replicates=r) for r in (2, 3, 5, 10)},
    **{f"{k} test folds, 3 replicates": Folded(folds=k, replicates=3) for k in (2, 10)},
    **{
        f"5 test folds of {g} generators, luck among them": Folded(replicates=r, generators=g, luck=0.3)
        for g, r in ((2, 4), (5, 5))
    },
    "5 test folds of 1 generator, none differs": Folded(generators=1),
    "5 test folds, 9 arms": Folded(arms=9, replicates=3),
    "5 test folds of 12 images": Folded(30, 30),
    **{
        f"an external set of {2 * n:,}, {k} test folds, {r} replicates": Folded(folds=k, replicates=r, elsewhere=n)
        for n, k, r in ((20, 5, 3), (150, 5, 3), (800, 5, 3), (150, 2, 2), (150, 10, 3))
    },
    "an external set unlike the own, 5 test folds": Folded(replicates=3, elsewhere=150, shift=0.1),
    "an external set, 5 test folds, 9 arms": Folded(arms=9, replicates=3, elsewhere=150),
    **{
        f"an external set, 5 test folds of {g} generators, luck among them": Folded(
            replicates=r, generators=g, luck=0.3, elsewhere=150
        )
        for g, r in ((2, 4), (5, 5))
    },
}
# Arms that are equally good over all training sets, but not with the ones at hand: of that no interval speaks.
OTHER_TRAINING_SETS = {
    "5 test folds, arms with luck in their training sets": Folded(own=True),
    "an external set, 5 test folds, such arms": Folded(own=True, elsewhere=150),
}
CHOSEN = {"replicates chosen by a pilot": USUAL, "so chosen, trainings vary twice as much": NOISY}
REPLICATES = (3, 5, 10, 20)
SIZES = {330: (180, 150), 660: (360, 300), 3300: (1800, 1500)}


def false_verdicts(name: str, trials: int, seed: int = 0) -> dict[str, int]:
    """Return for each endpoint how many of `trials` experiments without an effect call any arm helpful or harmful."""
    found = dict.fromkeys(ENDPOINTS, 0)
    for trial in range(trials):
        for endpoint, judged in _null(name, [seed, trial, *name.encode()]).items():
            found[endpoint] += any(each.verdict in ("helps", "hurts") for each in judged.values())
    return found


def _chosen(world: World, seed: list[int]) -> dict[str, dict[str, Judgement]]:
    """Judge an experiment without an effect with as many of 40 replicates as a pilot of 5 asks for."""
    size = Size(replicates=40)
    found, clusters = samples({"real": world, "gan:1": world, "gan:2": world}, size, seed)
    judgements = {}
    for name in ENDPOINTS:
        pilot = differences_of(cut(found, PILOT), clusters)
        arms = [{"against_real": {"spread": spread(of[name])}} for of in pilot.values()]
        told = {"parameters": {"replicates": PILOT, "test_folds": 1}, "arms": arms}
        count, _ = enough_replicates(told, 1.0, size.replicates, 1e6)
        judgements[name] = judge_all(cut(found, count), clusters, size.negatives + size.positives)[name]
    return judgements


def _null(name: str, seed: list[int]) -> dict[str, dict[str, Judgement]]:
    if name in CHOSEN:
        return _chosen(CHOSEN[name], seed)
    if name not in NULLS:
        return folded_experiment((FOLDS | OTHER_TRAINING_SETS)[name], seed)
    world, size, arms = NULLS[name]
    return experiment({"real": world} | {f"gan:{n + 1}": world for n in range(arms)}, seed, size)


def power(points: float, size: Size, trials: int, seed: int = 0) -> dict[int, dict[str, int]]:
    """Return in how many of `trials` experiments the better one of two arms is found to help, by each endpoint.

    That is for each number of replicates up to that of `size`: fewer are the first of them.
    """
    worlds = {"real": USUAL, "gan:1": USUAL, "gan:2": USUAL.better(points)}
    found = {count: dict.fromkeys(ENDPOINTS, 0) for count in REPLICATES if count <= size.replicates}
    for trial in range(trials):
        drawn, clusters = samples(worlds, size, [seed, trial])
        for count, of in found.items():
            judgements = judge_all(cut(drawn, count), clusters, size.negatives + size.positives)
            for endpoint, judged in judgements.items():
                of[endpoint] += judged["gan:2"].verdict == "helps"
    return found


def _share(count: int, trials: int) -> str:
    low, high = proportion_confint(count, trials, method="wilson")
    return f"{100 * count / trials:5.1f} ({100 * low:4.1f} to {100 * high:4.1f})"


def main(trials: int, seed: int) -> None:
    """Print both tables: percent of `trials`, each with its 95% interval."""
    print(f"False verdicts in percent of {trials} experiments without an effect; at most 5 are allowed\n")
    print(f"| World | {' | '.join(ENDPOINTS)} |\n| :-- |{' --: |' * len(ENDPOINTS)}")
    for name in (*NULLS, *CHOSEN, *FOLDS, *OTHER_TRAINING_SETS):
        cells = [_share(count, trials) for count in false_verdicts(name, trials, seed).values()]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print(f"\nPower in percent of {trials} experiments with one helpful arm of two\n")
    print(f"| Gain, test images, replicates | {' | '.join(ENDPOINTS)} |\n| :-- |{' --: |' * len(ENDPOINTS)}")
    for points in (0.02, 0.04):
        for images, (negatives, positives) in SIZES.items():
            for replicates, found in power(points, Size(negatives, positives, max(REPLICATES)), trials, seed).items():
                cells = [_share(count, trials) for count in found.values()]
                print(f"| +{100 * points:g}, {images}, {replicates} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    with threadpool_limits(1):
        main(*(int(word) for word in (*sys.argv[1:], "400", "0")[:2]))
