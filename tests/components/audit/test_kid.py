import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import polynomial_kernel

from components.audit.kid import kid, squared_mmd


def test_the_mmd_is_the_double_sum_of_its_definition():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(7, 5)), rng.normal(size=(9, 5)) + 0.4

    def k(x, y):
        return (x @ y / 5 + 1) ** 3

    within = [
        sum(k(a[i], a[j]) for i in range(len(a)) for j in range(len(a)) if i != j) / (len(a) * (len(a) - 1))
        for a in (first, second)
    ]
    between = np.mean([k(x, y) for x in first for y in second])
    assert squared_mmd(first, second) == pytest.approx(sum(within) - 2 * between)


def test_the_mmd_agrees_with_torchmetrics_and_scikit_learn():
    image = pytest.importorskip("torchmetrics.image.kid", reason="needs torchmetrics")
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(50, 16)), rng.normal(size=(50, 16)) * 1.2
    theirs = image.poly_mmd(torch.from_numpy(first), torch.from_numpy(second), degree=3, gamma=None, coef=1.0)
    assert squared_mmd(first, second) == pytest.approx(float(theirs))
    between = polynomial_kernel(first, second, degree=3, coef0=1).mean()
    within = [polynomial_kernel(a, degree=3, coef0=1)[~np.eye(50, dtype=bool)].mean() for a in (first, second)]
    assert squared_mmd(first, second) == pytest.approx(sum(within) - 2 * between)


def test_the_mmd_is_the_closed_form_on_average():
    # One feature, k(x, y) = (x y + 1)^3 and moments m1, m2, m3: MMD^2 = 3 dm1^2 + 3 dm2^2 + dm3^2.
    # x ~ N(0, 1) has moments 0, 1, 0; y ~ N(0.5, 1) has 0.5, 1.25, 1.625.
    rng = np.random.default_rng(2)
    values = [squared_mmd(rng.normal(size=(50, 1)), rng.normal(size=(50, 1)) + 0.5) for _ in range(2000)]
    expected = 3 * 0.5**2 + 3 * 0.25**2 + 1.625**2
    assert np.mean(values) == pytest.approx(expected, abs=4 * np.std(values) / np.sqrt(2000))


def test_kid_of_one_distribution_is_zero_on_average_at_any_size():
    rng = np.random.default_rng(3)
    for size in (20, 200):
        found = [kid(rng.normal(size=(size, 8)), rng.normal(size=(size, 8)), seed)[0] for seed in range(40)]
        assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(40)


def test_kid_tells_distributions_apart_and_repeats_with_its_seed():
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=(200, 8)), rng.normal(size=(200, 8)) + 0.5
    value, deviation = kid(first, second, 7)
    assert value > 3 * deviation > 0
    assert kid(first, second, 7) == (value, deviation)
    assert kid(first, second, 8) != (value, deviation)
