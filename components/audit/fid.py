"""Fréchet distance between two sets of features (FID)."""

import numpy as np


def fid(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Return the Fréchet distance of the Gaussians fitted to two sets of features, float64 [n, d] and [m, d]; >= 0.

    Heusel et al. 2017 (GANs trained by a two time-scale update rule), eq. 6:
    |mu1 - mu2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)). Its expectation grows as n and m shrink, so only figures of
    equal n and m compare.

    With centred features A and B, S1 = A'A / (n - 1) and S2 = B'B / (m - 1), the trace of the root is the sum of
    the singular values of A B' (Mathiasen and Hvilshøj 2020, Backpropagating through Fréchet Inception Distance,
    section 3). It is taken from the triangular factors of A and B: no root of a product that rounding has made
    asymmetric, and no d x d covariance of low rank where d > n.
    """
    first, second = _root(real), _root(synthetic)
    apart = real.mean(0) - synthetic.mean(0)
    overlap = np.linalg.svd(first @ second.T, compute_uv=False).sum()
    return max(0.0, float(apart @ apart + np.square(first).sum() + np.square(second).sum() - 2 * overlap))


def _root(features: np.ndarray) -> np.ndarray:
    """Return R [min(n, d), d] with R'R = the covariance (unbiased) of the features."""
    return np.linalg.qr(features - features.mean(0), mode="r") / np.sqrt(len(features) - 1)
