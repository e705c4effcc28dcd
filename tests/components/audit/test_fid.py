import numpy as np
import pytest
import scipy.linalg
import torch

from components.audit.fid import fid


def gaussian(mean, covariance, count, rng):
    """Return features whose sample mean and covariance are exactly these."""
    noise = rng.normal(size=(count, len(mean)))
    noise -= noise.mean(0)
    noise = np.linalg.solve(np.linalg.cholesky(np.cov(noise.T)), noise.T).T
    return noise @ np.linalg.cholesky(covariance).T + mean


def test_the_distance_of_gaussians_is_the_closed_form_for_commuting_covariances():
    rng = np.random.default_rng(0)
    mean, deviations, others = rng.normal(size=6), rng.uniform(0.5, 2, 6), rng.uniform(0.5, 2, 6)
    turn = scipy.linalg.qr(rng.normal(size=(6, 6)))[0]
    first = gaussian(np.zeros(6), turn @ np.diag(deviations**2) @ turn.T, 50, rng)
    second = gaussian(mean, turn @ np.diag(others**2) @ turn.T, 80, rng)
    assert fid(first, second) == pytest.approx(mean @ mean + np.sum((deviations - others) ** 2), rel=1e-10)


def test_the_distance_agrees_with_the_matrix_root_of_scipy():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(60, 8)) @ rng.normal(size=(8, 8)), rng.normal(size=(90, 8)) + 0.3
    covariances = np.cov(first.T), np.cov(second.T)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    apart = first.mean(0) - second.mean(0)
    expected = apart @ apart + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert fid(first, second) == pytest.approx(expected, rel=1e-9)


def test_the_distance_agrees_with_torchmetrics():
    image = pytest.importorskip("torchmetrics.image.fid", reason="needs torchmetrics")
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(200, 12)), rng.normal(size=(150, 12)) * 1.5 + 0.2

    class Features(torch.nn.Module):
        num_features = 12

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1)

    metric = image.FrechetInceptionDistance(feature=Features(), normalize=True).set_dtype(torch.float64)
    metric.update(torch.from_numpy(first).reshape(200, 3, 2, 2), real=True)
    metric.update(torch.from_numpy(second).reshape(150, 3, 2, 2), real=False)
    assert fid(first, second) == pytest.approx(float(metric.compute()), rel=1e-6)


def test_fewer_images_than_features_are_no_obstacle():
    rng = np.random.default_rng(3)
    few = rng.normal(size=(10, 40))
    assert fid(few, few) == pytest.approx(0, abs=1e-10)
    assert fid(few, few + 0.5) == pytest.approx(40 * 0.25)


def test_features_without_any_spread_are_measured_by_their_means():
    assert fid(np.ones((9, 4)), np.zeros((9, 4))) == pytest.approx(4)
