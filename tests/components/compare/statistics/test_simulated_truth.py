"""The rule and the intervals against experiments whose truth is known."""

import gc

import numpy as np
import pytest
from simulated_experiments import JUDGED, World, experiment, predictions, resamples
from threadpoolctl import threadpool_limits

from components.compare.statistics.resample import estimate, resampled_scores

REPLICATES_VARY = World(replicate_skill=0.1, replicate_bias=0.3)
IMAGES_VARY = World(replicate_skill=0.0, replicate_bias=0.0, noise=1.0, arm=0.3)
WORLDS = {"usual": World(), "replicates vary": REPLICATES_VARY, "images vary": IMAGES_VARY}


@pytest.fixture(autouse=True, scope="module")
def fast_small_steps():
    """Keep the many small products on one thread, and old objects out of the collections that statsmodels asks for."""
    gc.collect()
    gc.freeze()
    with threadpool_limits(1):
        yield
    gc.unfreeze()


def slack(share, experiments):
    """Two standard errors of a simulated share."""
    return 2 * np.sqrt(share * (1 - share) / experiments)


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_without_an_effect_at_most_one_experiment_in_twenty_finds_one(world):
    experiments = 400
    arms = {"real": world, "gan:120": world, "gan:480": world}
    found = sum(
        any(judgement.verdict != "no evidence" for judgement in experiment(arms, seed).values())
        for seed in range(experiments)
    )
    print(f"\nhelps or hurts without an effect: {found / experiments:.3f} of {experiments}")
    assert found / experiments <= 0.05 + slack(0.05, experiments)


def test_an_effect_of_four_points_on_3300_images_is_found():
    experiments = 100
    arms = {"real": World(), "gan:120": World(), "gan:480": World().better(0.04)}
    verdicts = [experiment(arms, seed, 1800, 1500)["gan:480"].verdict for seed in range(experiments)]
    print(f"\nhelps with an effect of 4 points: {verdicts.count('helps') / experiments:.3f} of {experiments}")
    assert verdicts.count("helps") / experiments >= 0.8
    assert "hurts" not in verdicts


def test_a_loss_of_four_points_on_3300_images_is_found_to_hurt():
    arms = {"real": World(), "gan:120": World().better(-0.04)}
    verdicts = [experiment(arms, seed, 1800, 1500)["gan:120"].verdict for seed in range(25)]
    assert verdicts.count("hurts") >= 20


@pytest.mark.parametrize("replicates", [3, 5])
def test_intervals_cover_the_truth_at_their_confidence(replicates):
    experiments = 300
    units, images = np.arange(replicates), resamples(360, 300)
    covered: dict[tuple, list[bool]] = {}
    for name, world in WORLDS.items():
        worlds = {"real": world, "gan:120": world, "gan:480": world.better(0.03)}
        for seed in range(experiments):
            labels, drawn = predictions(worlds, 360, 300, replicates, np.random.default_rng([seed, replicates]))
            series = {arm: resampled_scores(p, labels, 1, images, JUDGED) for arm, p in drawn.items()}
            for metric in JUDGED:
                truth = world.truth(metric)
                low, high = estimate(series["real"][metric], units, 300).interval_within(0.95)
                covered.setdefault((name, "real", metric), []).append(low <= truth <= high)
                for arm in ("gan:120", "gan:480"):
                    low, high = estimate(series[arm][metric] - series["real"][metric], units, 300).interval(0.95)
                    change = worlds[arm].truth(metric) - truth
                    covered.setdefault((name, arm, metric), []).append(low <= change <= high)
    shares = {key: float(np.mean(found)) for key, found in covered.items()}
    print(f"\ncoverage of 95% intervals with {replicates} replicates, of {experiments} each: {shares}")
    for key, share in shares.items():
        assert 0.93 - 2 * slack(0.95, experiments) <= share <= 0.97 + slack(0.95, experiments), key
    assert 0.93 <= np.mean(list(shares.values())) <= 0.97


def test_intervals_of_the_area_under_the_curve_cover_the_truth():
    experiments, world, images = 100, World(), resamples(360, 300)
    covered = 0
    for seed in range(experiments):
        labels, drawn = predictions({"real": world}, 360, 300, 5, np.random.default_rng(seed))
        series = resampled_scores(drawn["real"], labels, 1, images, ["auc"])["auc"]
        low, high = estimate(series, np.arange(5), 300).interval_within(0.95)
        covered += low <= world.truth("auc") <= high
    assert covered / experiments >= 0.93 - slack(0.95, experiments)
