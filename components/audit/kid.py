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
    kernels = _kernel(real, real), _kernel(synthetic, synthetic), _kernel(real, synthetic)
    values = []
    for _ in range(SUBSETS):
        first = rng.choice(len(real), size, replace=False)
        second = rng.choice(len(synthetic), size, replace=False)
        parts = ((first, first), (second, second), (first, second))
        values.append(_squared_mmd(*(kernel[np.ix_(*part)] for kernel, part in zip(kernels, parts, strict=True))))
    return float(np.mean(values)), float(np.std(values, ddof=1))


def squared_mmd(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Return the unbiased squared MMD of features [n, d] and [m, d], n, m >= 2, under the kernel (x'y / d + 1)^3.

    Gretton et al. 2012 (A kernel two-sample test), lemma 6, eq. 3.
    """
    return _squared_mmd(_kernel(real, real), _kernel(synthetic, synthetic), _kernel(real, synthetic))


def _squared_mmd(within_first: np.ndarray, within_second: np.ndarray, between: np.ndarray) -> float:
    return _mean_off_diagonal(within_first) + _mean_off_diagonal(within_second) - 2 * float(between.mean())


def _mean_off_diagonal(kernel: np.ndarray) -> float:
    count = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (count * (count - 1)))


def _kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    inner = first @ second.T / first.shape[1] + 1
    return inner * inner * inner
