import numpy as np

from components.compare.statistics.amounts import best_amount
from components.compare.statistics.draws import Draws
from components.compare.statistics.variance import Sample

AMOUNTS = [30, 60, 120, 240, 480]


def arms(means, deviation, replicates=6, seed=0):
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 0.0005, 200)  # test images that are easier or harder for all arms alike
    for mean in means:
        values = mean + rng.normal(0, deviation, replicates)
        yield Sample(values, np.tile(shared, (replicates, 1)), Draws.of(["gan-0"] * replicates))


def test_a_clear_peak_is_found_within_its_interval():
    curve = [0.80 - 0.02 * np.log(amount / 120) ** 2 for amount in AMOUNTS]
    found = best_amount(AMOUNTS, list(arms(curve, 0.002)), 0.95, 500, 0)
    assert found.told
    assert 60 < found.interval[0] < 120 < found.interval[1] < 240
    assert found.interval[0] <= found.estimate <= found.interval[1]


def test_equal_amounts_cannot_be_told_from_another():
    told = [best_amount(AMOUNTS, list(arms([0.8] * 5, 0.02, seed=s)), 0.95, 200, s).told for s in range(100)]
    assert sum(told) <= 11  # of a true 5%, more have a chance of 0.4%


def test_three_amounts_or_one_training_say_nothing():
    assert best_amount(AMOUNTS[:3], list(arms([0.8] * 3, 0.01)), 0.95, 100, 0) is None
    assert best_amount(AMOUNTS, list(arms([0.8] * 5, 0.01, replicates=1)), 0.95, 100, 0) is None
