import numpy as np
import pytest

from components.audit.quality import quality

FIGURES = ("kid", "kid_std", "fid", "precision", "recall", "density", "coverage")


def test_a_perfect_generator_reaches_the_floor():
    rng = np.random.default_rng(0)
    groups = np.arange(300).astype(str)
    found = [
        quality(rng.normal(size=(300, 6)), groups, rng.normal(size=(150, 6)), seed)  # fresh draws each time
        for seed in range(8)
    ]
    for key in FIGURES:
        values = np.array([[row[key], row["floor"][key]] for row in found])
        error = np.hypot(*values.std(0, ddof=1)) / np.sqrt(len(found))
        assert abs(values[:, 0].mean() - values[:, 1].mean()) < 3 * error, key


def test_a_poor_generator_stays_off_the_floor():
    rng = np.random.default_rng(1)
    found = quality(rng.normal(size=(200, 6)), np.arange(200).astype(str), 0.4 * rng.normal(size=(200, 6)), 0)
    assert found["fid"] > 2 * found["floor"]["fid"]
    assert found["kid"] > found["floor"]["kid"] + 3 * found["kid_std"]
    assert found["recall"] < 0.5 * found["floor"]["recall"]


@pytest.mark.parametrize(("real", "synthetic", "size"), [(101, 200, 50), (100, 30, 30), (12, 12, 6)])
def test_all_compared_sets_have_one_size(real, synthetic, size):
    rng = np.random.default_rng(2)
    features, groups = rng.normal(size=(real, 3)), np.arange(real).astype(str)
    drawn = rng.normal(size=(synthetic, 3))
    found = quality(features, groups, drawn, 0)
    assert found["real_images"] == found["synthetic_images"] == size
    assert quality(features, groups, drawn[:size], 0) == found


def test_images_of_one_group_do_not_flatter_the_floor():
    # Ten copies of each of 20 points: with copies on both sides every real image would be met, ...
    rng = np.random.default_rng(3)
    real = np.repeat(rng.normal(size=(20, 6)), 10, axis=0)
    apart = quality(real, np.repeat(np.arange(20), 10).astype(str), real, 0)["floor"]
    mixed = quality(real, np.arange(200).astype(str), real, 0)["floor"]
    assert mixed["coverage"] > 0.99  # but for rounding
    assert apart["coverage"] < 0.2  # ... but for at most one group they are not
