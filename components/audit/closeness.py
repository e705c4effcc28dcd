"""Whether synthetic images lie nearer to some real images than to others that they can't know any better."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from components.pictures.similarity import CHUNK_VALUES, nearest

CONFIDENCE = 0.95
CANDIDATES = 50
SURROUNDINGS = 10
DEALS = 4999


@dataclass(frozen=True)
class Share:
    """A share of synthetic images that lie closer to some real images than to others, and its interval; 0.5 is fair.

    `p_value` is that of a fair generator, to both sides: below 1 - confidence where the interval leaves 0.5 out.
    """

    value: float
    interval: tuple[float, float]
    p_value: float


def nearest_counts(made: np.ndarray, real: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return how many of the thumbnails `made` (float32 [n, 8, 8, 3]) each real one is the nearest of, int64 [N].

    Distances are in units of the real image's own surroundings, the mean to the 10 nearest of other `groups` (str [N]),
    as else a few dull images in the midst are the nearest of most pictures, whatever these show (hubs; Schnitzer et al.
    2012, Local and global scaling reduce hubs in space, J. of Machine Learning Research 13).
    """
    own = nearest(real, real, SURROUNDINGS, groups, groups).distances.astype(np.float64)
    reach = np.maximum(np.mean(own, 1, where=np.isfinite(own)), np.finfo(np.float32).tiny)
    found = nearest(made, real, CANDIDATES)
    scaled = found.distances / reach[found.rows]
    return np.bincount(found.rows[np.arange(len(made)), scaled.argmin(1)], minlength=len(real))


def share_closer(counts: np.ndarray, held_out: np.ndarray, groups: np.ndarray, seed: int) -> Share:
    """Return the share of synthetic images that are closer to training than to held-out images, and its 95% interval.

    `counts` are those of `nearest_counts`, `held_out` (bool [N]) and `groups` (str [N]) tell of the real images. There
    are more training than held-out images, so the odds of a training image being the nearest are divided by the ratio
    of the two numbers: a generator that knows no image better than the others reaches 0.5, one that only copies 1.

    If it knows none better, chance alone says which groups are held out, so whole groups are dealt anew 4999 times, as
    many of them as there are (permutation test): however many pictures a few real images attract, the interval heeds
    it. It holds all odds that are not refuted, where the counts of training images, divided by the odds, go with the
    true deal no more than chance allows (inversion of the test). At certain odds a deal is even with the true one; the
    ends of the interval are quantiles of these.
    """
    sided = np.char.add(groups, np.where(held_out, "/held out", "/training"))  # where a leak is kept, a group has both
    _, unit_of, sizes = np.unique(sided, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(unit_of, np.where(side, counts, 0)) for side in (held_out, ~held_out)], 1)
    surplus = sums - np.outer(sizes / sizes.sum(), sums.sum(0))  # of each group, over what its size alone would give it
    true = np.bincount(unit_of, held_out) > 0
    deals = _dealt(surplus, int(true.sum()), np.random.default_rng(seed))
    lost, gained = ((surplus[true].sum(0) - deals) * [1, -1]).T
    rounding = 1e-9 * max(1, counts.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(np.where(gained > rounding, gained, 0)) - np.log(np.where(lost > rounding, lost, 0))
    odds = np.round(odds, 9)  # equal counts make even odds on any processor
    even = np.append(np.isnan(odds), True)  # at all odds, as the true deal is with itself
    low, high = (np.sort(np.where(even, end, np.append(odds, 0))) for end in (-np.inf, np.inf))
    beyond = round((1 - CONFIDENCE) / 2 * len(even))
    value = _log_odds(counts, held_out)
    ends = float(expit(min(value, low[beyond]))), float(expit(max(value, high[-1 - beyond])))
    p_value = 2 * min((low <= 0).mean(), (high >= 0).mean())
    return Share(float(expit(value)), ends, min(1.0, float(p_value)))


def drawn_by_lot(groups: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return a mask (bool [N]) of a random `share` of the groups, one at least and not all of them."""
    names, numbers = np.unique(groups, return_inverse=True)
    count = min(max(1, round(share * len(names))), len(names) - 1)
    return (np.random.default_rng([seed, 1]).permutation(len(names)) < count)[numbers]


def _dealt(values: np.ndarray, held_out: int, rng: np.random.Generator) -> np.ndarray:
    """Return the sums of `values` (float64 [G, 2]) over `held_out` of the groups, dealt anew each time: [4999, 2]."""
    step = max(1, CHUNK_VALUES // len(values))
    sums = []
    for start in range(0, DEALS, step):
        lots = rng.random((min(step, DEALS - start), len(values)), np.float32)
        sums.append(values[np.argpartition(lots, held_out - 1, axis=1)[:, :held_out]].sum(1))
    return np.concatenate(sums)


def _log_odds(counts: np.ndarray, held_out: np.ndarray) -> float:
    """Return the log-odds that the nearest real image is a training image, as if there were as many of both.

    Half an image is added to each count, so that the odds stay finite (Haldane 1956, Anscombe 1956).
    """
    training, held = ((counts[side].sum() + 0.5) / side.sum() for side in (~held_out, held_out))
    return float(np.log(training) - np.log(held))
