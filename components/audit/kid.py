"""Kernel distance between two sets of features (KID)."""

import numpy as np

SUBSETS = 100
LARGEST_SUBSET = 1000


def kid(real: np.ndarray, synthetic: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the kernel distance of two sets of features, float64 [n, d] and [m, d], and its deviation over subsets.

    Binkowski et al. 2018 (Demystifying MMD GANs), section 4: the mean of the unbiased squared MMD over random
    subsets, here 100 of min(1000, half the smaller set) features each, drawn without replacement. It is unbiased
    at any size, and so may be slightly negative. The deviation is that of one subset's value, not of the mean.
    """
    size = min(LARGEST_SUBSET, min(len(real), len(synthetic)) // 2)
    rng = np.random.default_rng(seed)
    values = [
        squared_mmd(
            real[rng.choice(len(real), size, replace=False)],
            synthetic[rng.choice(len(synthetic), size, replace=False)],
        )
        for _ in range(SUBSETS)
    ]
    return float(np.mean(values)), float(np.std(values, ddof=1))


def squared_mmd(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Return the unbiased squared MMD of features [n, d] and [m, d], n, m >= 2, under the kernel (x'y / d + 1)^3.

    Gretton et al. 2012 (A kernel two-sample test), lemma 6, eq. 3.
    """
    return _mean_off_diagonal(real) + _mean_off_diagonal(synthetic) - 2 * float(_kernel(real, synthetic).mean())


def _mean_off_diagonal(features: np.ndarray) -> float:
    count = len(features)
    kernel = _kernel(features, features)
    return float((kernel.sum() - np.trace(kernel)) / (count * (count - 1)))


def _kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    inner = first @ second.T / first.shape[1] + 1
    return inner * inner * inner
