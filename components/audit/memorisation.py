"""Whether a generator gives its training images back.

Two questions. Does it draw nearer to its training images than to the real images of the class that it never learnt
from ("held out")? And is any synthetic image nearer to a training image than real images are to each other?
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from components.contracts.similarity import (
    NEIGHBOURHOOD,
    Neighbours,
    flag_threshold,
    nearest,
    neighbourhood,
    relative_distance,
)

CLOSEST = 10
HALVES = 200
NEAREST_OF_HALVES = 20
ABOUT = (
    "Distances are between thumbnails of 8 x 8 pixels in the best of 8 orientations. Share closer to training: the "
    "training images count as if they were as many as the held-out ones, so that 50% is ideal and 100% are copies. "
    "Flagged: the distance to the nearest training image, relative to the distances thereabouts (1 is usual), is below "
    "what 1% of the training images have to those of other groups (among fewer than 99 of them, below half of the "
    "smallest), and below 0.3."
)


@dataclass(frozen=True)
class Memorisation:
    """What was found about one generator, whose n synthetic images were compared with the real ones of the class.

    `share` of them lies closer to training than to held-out images, with its 95% `interval`; 0.5 is ideal.
    `distances` (float64 [n]) are relative distances to the training image, of which `matches` (int64 [n]) is the
    row among the real images; below `threshold` a synthetic image is flagged as a copy. `held_out_flagged` of the
    held-out images fall below it too: false alarms, as no generator knows them.
    """

    share: float
    interval: tuple[float, float]
    distances: np.ndarray
    matches: np.ndarray
    threshold: float
    held_out_flagged: int

    @property
    def flagged(self) -> np.ndarray:
        """Which synthetic images count as copies, bool [n]."""
        return self.distances < self.threshold

    @property
    def closest(self) -> np.ndarray:
        """Row numbers of the ten synthetic images that are closest to a training image, the closest first."""
        return np.argsort(self.distances, kind="stable")[:CLOSEST]


def memorisation(
    synthetic: np.ndarray, real: np.ndarray, groups: np.ndarray, held_out: np.ndarray, seed: int
) -> Memorisation:
    """Compare thumbnails of one generator's images, float32 [n, 8, 8, 3], with those of the real ones of its class.

    `groups` (str [N]) are those of the real images; where `held_out` (bool [N]) holds, the generator has seen no
    image of the group.
    """
    everywhere = nearest(synthetic, real, NEAREST_OF_HALVES)
    share, interval = share_closer(everywhere, held_out, groups, seed)

    rows = np.flatnonzero(~held_out)
    training, training_groups = real[rows], groups[rows]
    among_training = nearest(training, training, NEIGHBOURHOOD + 1, training_groups, training_groups)
    typical = float(np.median(neighbourhood(among_training.distances)))
    threshold = flag_threshold(relative_distance(among_training.distances, typical))
    to_training = nearest(synthetic, training, NEIGHBOURHOOD + 1)
    from_held_out = nearest(real[held_out], training, NEIGHBOURHOOD + 1)
    return Memorisation(
        share=share,
        interval=interval,
        distances=relative_distance(to_training.distances, typical),
        matches=rows[to_training.rows[:, 0]],
        threshold=threshold,
        held_out_flagged=int((relative_distance(from_held_out.distances, typical) < threshold).sum()),
    )


def share_closer(
    neighbours: Neighbours, held_out: np.ndarray, groups: np.ndarray, seed: int
) -> tuple[float, tuple[float, float]]:
    """Return the share of images that are closer to training than to held-out images, and its 95% interval.

    `neighbours` are the nearest among all real images of the class, `held_out` (bool [N]) and `groups` (str [N])
    tell of these. There are more training than held-out images, so the odds of a training image being the nearest
    are divided by the ratio of the two numbers: a generator that knows no image better than the others reaches
    0.5, one that only copies 1. (To thin the training images out instead would hide most copies.)

    The interval heeds that synthetic and real images (whole groups of them) are samples: its width, in log-odds,
    is the deviation over random halves of all three, which is that of the whole (delete-half jackknife; Shao and
    Wu 1989, A general theory for jackknife variance estimation).
    """
    rng = np.random.default_rng(seed)
    rows = neighbours.rows
    whole = _log_odds(rows[:, 0], held_out, np.ones(len(held_out), bool))
    parts = [(part, np.unique(groups[part], return_inverse=True)[1]) for part in (held_out, ~held_out)]
    halves = []
    for _ in range(HALVES):
        kept = np.zeros(len(held_out), bool)
        for part, numbers in parts:
            kept[part] = _half(numbers, rng)
        half = rows[rng.permutation(len(rows))[: (len(rows) + 1) // 2]]
        first_kept = kept[half].argmax(1)
        halves.append(_log_odds(half[np.arange(len(half)), first_kept], held_out, kept))
    reach = 1.96 * float(np.std(halves, ddof=1))
    return float(expit(whole)), (float(expit(whole - reach)), float(expit(whole + reach)))


def _log_odds(nearest_rows: np.ndarray, held_out: np.ndarray, kept: np.ndarray) -> float:
    """Return the log-odds that the nearest real image is a training image, as if there were as many of both.

    Half an image is added to each count, so that the odds stay finite (Haldane 1956, Anscombe 1956).
    """
    counts = np.bincount(held_out[nearest_rows], minlength=2) + 0.5
    there = np.bincount(held_out[kept], minlength=2)
    return float(np.log(counts[0] / there[0]) - np.log(counts[1] / there[1]))


def _half(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return which images, bool [N], belong to a random half of the groups 0, 1, ... (of a single group, all)."""
    count = int(groups.max()) + 1
    return (rng.permutation(count) < (count + 1) // 2)[groups]
