import numpy as np
import pytest

from components.compare.statistics.draws import Draws
from components.compare.statistics.exchange import real_worth
from components.compare.statistics.variance import Sample

REAL = [100, 200, 400]


def arm(mean, deviation=0.002, seed=0, replicates=6):
    values = mean + np.random.default_rng(seed).normal(0, deviation, replicates)
    return Sample(values - values.mean() + mean, np.zeros((replicates, 1)), Draws.of([""] * replicates))


def curve(slope, deviation=0.002):
    return [arm(0.5 + slope * np.log(n), deviation, n) for n in REAL]


def test_an_arm_on_the_curve_is_worth_the_real_images_that_would_do_the_same():
    [found] = real_worth(REAL, curve(0.05), [arm(0.5 + 0.05 * np.log(500))], 0.95, 500, 0)
    assert found.estimate == pytest.approx(100, rel=0.01)
    assert found.interval[0] < 100 < found.interval[1]


def test_an_arm_that_does_harm_is_worth_less_than_nothing():
    [found] = real_worth(REAL, curve(0.05), [arm(0.5 + 0.05 * np.log(200))], 0.95, 500, 0)
    assert found.interval[1] < 0


def test_a_curve_that_cannot_be_told_from_a_level_line_bounds_nothing():
    [found] = real_worth(REAL, curve(0.0, 0.02), [arm(0.5, 0.02)], 0.95, 500, 0)
    assert found.interval == (None, None)


def test_two_points_are_no_curve():
    assert real_worth(REAL[:2], curve(0.05)[:2], [arm(0.8)], 0.95, 100, 0) is None
