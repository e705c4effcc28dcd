"""Fits many penalised linear heads at once: one product of matrices serves them all."""

from dataclasses import dataclass

import numpy as np

MOST_STEPS = 300
CHECKED_EVERY = 10
_CHUNK = 1 << 22  # numbers of one product: a chunk stays within the processor's cache


@dataclass(frozen=True)
class Problem:
    """What all heads share.

    `coordinates` (float32 [M, k]) have mean 0, no correlation and `variances` (float64 [k]) over rows weighted by the
    mean over the columns of `weights` (float32 [M, R], each summing to 1); `targets` (float32 [M, K]) are 1 where an
    output should be: K = 1 for two classes, whose output is the log-odds of the positive one, else one output a class.
    """

    coordinates: np.ndarray
    variances: np.ndarray
    targets: np.ndarray
    weights: np.ndarray

    @property
    def curvature(self) -> float:
        """Return a bound on the curvature of any column's cross-entropy, in units of the variances.

        It is at most 1/4 of the squared coordinates for two classes, 1/2 beyond (Böhning 1992), times the largest ratio
        of a weight to the mean of its row.
        """
        ratio = self.weights.max(axis=1) / np.maximum(self.weights.mean(axis=1), np.finfo(np.float32).tiny)
        return float(ratio.max()) * (0.25 if self.targets.shape[1] == 1 else 0.5)


def fit_heads(
    problem: Problem,
    columns: np.ndarray,
    penalties: np.ndarray,
    tolerance: float,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Return heads, float32 [P, k + 1, K] (the last row is the bias), of P heads that differ in weights and penalty.

    Head p minimises the cross-entropy (nats) of the rows weighted by column `columns`[p] of the weights, plus
    `penalties`[p] / 2 times the squared norm of its weights, the bias excepted.

    Accelerated gradient descent (Nesterov 1983) with adaptive restarts (O'Donoghue and Candès 2015), in coordinates
    scaled so that the bound on the curvature is 1 everywhere. Ends where no gradient there exceeds `tolerance` times
    the one at zero, or after 300 steps. `start` continues from earlier heads.
    """
    outputs, count = problem.targets.shape[1], len(columns)
    variances = np.append(problem.variances, 1.0)
    penalised = np.append(np.ones(len(problem.variances)), 0.0)
    curvature = problem.curvature * variances[:, None] + penalised[:, None] * penalties
    scale = (1 / np.sqrt(curvature)).astype(np.float32)[:, :, None]  # [k + 1, P, 1]
    pull = (penalised[:, None] * penalties).astype(np.float32)[:, :, None]
    zero = np.zeros((len(variances), count, outputs), np.float32)
    target = tolerance * np.linalg.norm(scale * _slope(problem, columns, zero), axis=(0, 2))
    heads = zero if start is None else np.moveaxis(start, 0, 1) / scale
    ahead, momentum = heads, np.ones(count)
    found, active = np.empty_like(zero), np.arange(count)
    for step in range(1, MOST_STEPS + 1):
        here = scale[:, active] * ahead
        slope = scale[:, active] * (_slope(problem, columns[active], here) + pull[:, active] * here)
        after = ahead - slope
        uphill = np.einsum("kpo,kpo->p", slope, after - heads) > 0
        longer = np.where(uphill, 1.0, (1 + np.sqrt(1 + 4 * momentum**2)) / 2)
        carried = np.where(uphill, 0.0, (momentum - 1) / longer).astype(np.float32)
        ahead = after + carried[:, None] * (after - heads)
        heads, momentum = after, longer
        if step % CHECKED_EVERY == 0 or step == MOST_STEPS:
            done = (np.linalg.norm(slope, axis=(0, 2)) <= target[active]) | (step == MOST_STEPS)
            found[:, active[done]] = heads[:, done]
            active, heads, ahead, momentum = active[~done], heads[:, ~done], ahead[:, ~done], momentum[~done]
            if not len(active):
                break
    return np.moveaxis(scale * found, 1, 0)


def logits_of(coordinates: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """Return logits, float32 [N, P, K], of coordinates [N, k] under heads [P, k + 1, K]."""
    flat = np.moveaxis(heads, 0, 1)
    return _logits(coordinates, flat)


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the cross-entropy (nats, float [N, P]) of logits [N, P, K] where `targets` [N, K] are 1."""
    wanted = targets[:, None]
    if logits.shape[2] == 1:
        return (np.logaddexp(0, logits) - wanted * logits)[:, :, 0]
    top = logits.max(2, keepdims=True)
    return (top[:, :, 0] + np.log(np.exp(logits - top).sum(2))) - (wanted * logits).sum(2)


def _slope(problem: Problem, columns: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """Return the gradient [k + 1, P, K] of the cross-entropies weighted by `columns` at `heads` [k + 1, P, K]."""
    found = np.zeros_like(heads)
    step = max(256, _CHUNK // heads[0].size)
    for start in range(0, len(problem.coordinates), step):
        part = slice(start, start + step)
        coordinates = problem.coordinates[part]
        error = _shares(_logits(coordinates, heads))
        error -= problem.targets[part, None]
        error *= problem.weights[part, columns, None]
        flat = error.reshape(len(error), -1)
        found[:-1] += (coordinates.T @ flat).reshape(found[:-1].shape)
        found[-1] += error.sum(0)
    return found


def _logits(coordinates: np.ndarray, heads: np.ndarray) -> np.ndarray:
    inner = coordinates @ np.ascontiguousarray(heads[:-1]).reshape(coordinates.shape[1], -1)
    return inner.reshape(len(coordinates), *heads.shape[1:]) + heads[-1]


def _shares(logits: np.ndarray) -> np.ndarray:
    """Return probabilities of logits [..., K]: of the one output by a sigmoid, else by a softmax over K."""
    if logits.shape[-1] == 1:
        return 0.5 * np.tanh(0.5 * logits) + 0.5
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    return shares
