"""Whether a generator gives real images back: those it learnt from, or those of the test set.

Two questions. Does it draw nearer to some real images of its class than to others that it can't know ("held out")? And
is any synthetic image nearer to a training image than real images are to each other?
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import expit

from components.pictures.similarity import NEIGHBOURHOOD, Neighbours, nearest, relative_distance, usual_among

CLOSEST = 10
HALVES = 200
NEAREST_OF_HALVES = 20
CONFIDENCE = 0.95
ABOUT = (
    "Distances are between thumbnails of 8 x 8 pixels in the best of 8 orientations. Share closer to training: the "
    "training images count as if they were as many as the held-out ones, so that 50% is ideal and 100% are copies. Of "
    "pictures that hardly differ one counts. The control is the same share where training images, drawn by lot, stand "
    "for held-out ones: its interval should cover 50%. Held out are the validation images of a GAN's replicate, which "
    "it never saw; for other sources, whose training isn't known, the test images. Flagged: the distance to the "
    "nearest training image, relative to the distances thereabouts (1 is usual), is below what 1% of the training "
    "images have to those of other groups (among fewer than 99 of them, below half of the smallest), and below 0.3."
)


@dataclass(frozen=True)
class Share:
    """A share of synthetic images that lie closer to some real images than to others, and its interval; 0.5 is fair."""

    value: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Memorisation:
    """What was found about one generator, whose n synthetic images were compared with the real ones of the class.

    `share` of the distinct ones lies closer to training than to held-out images; `control` is that of training images
    that stand for held-out ones. `distances` (float64 [n]) are relative distances to the training image, of which
    `matches` (int64 [n]) is the row among the real images; below `threshold` a synthetic image is flagged as a copy.
    `held_out_flagged` of the held-out images fall below it too: false alarms, as no generator knows them.
    """

    share: Share
    control: Share
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
    synthetic: np.ndarray, distinct: np.ndarray, real: np.ndarray, groups: np.ndarray, held_out: np.ndarray, seed: int
) -> Memorisation:
    """Compare thumbnails of one generator's images, float32 [n, 8, 8, 3], with those of the real ones of its class.

    `distinct` are the rows of the synthetic ones that count for the share. `groups` (str [N]) are those of the real
    images; where `held_out` (bool [N]) holds, the generator has seen no image of the group.
    """
    rows = np.flatnonzero(~held_out)
    training, training_groups = real[rows], groups[rows]
    typical, threshold = usual_among(training, training_groups)
    to_training = nearest(synthetic, training, NEIGHBOURHOOD + 1)
    from_held_out = nearest(real[held_out], training, NEIGHBOURHOOD + 1)
    by_lot = drawn_by_lot(training_groups, float(held_out.mean()), seed)
    return Memorisation(
        share=share_closer(nearest(synthetic[distinct], real, NEAREST_OF_HALVES), held_out, groups, seed),
        control=share_closer(to_training.first(distinct, NEAREST_OF_HALVES), by_lot, training_groups, seed),
        distances=relative_distance(to_training.distances, typical),
        matches=rows[to_training.rows[:, 0]],
        threshold=threshold,
        held_out_flagged=int((relative_distance(from_held_out.distances, typical) < threshold).sum()),
    )


def distinct_rows(thumbnails: np.ndarray, apart: float) -> np.ndarray:
    """Return the rows (int64, rising) of the thumbnails that lie at least `apart` from all such rows before them."""
    flat = thumbnails.reshape(len(thumbnails), -1)
    rows: list[int] = []
    for row, picture in enumerate(flat):
        if not rows or np.square(flat[rows] - picture).sum(1).min() >= apart**2:
            rows.append(row)
    return np.array(rows)


def drawn_by_lot(groups: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return a mask (bool [N]) of a random `share` of the groups, one at least and not all of them."""
    names, numbers = np.unique(groups, return_inverse=True)
    count = min(max(1, round(share * len(names))), len(names) - 1)
    return (np.random.default_rng([seed, 1]).permutation(len(names)) < count)[numbers]


def share_closer(
    neighbours: Neighbours, held_out: np.ndarray, groups: np.ndarray, seed: int, confidence: float = CONFIDENCE
) -> Share:
    """Return the share of images that are closer to training than to held-out images, and its interval.

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
    reach = float(stats.norm.ppf((1 + confidence) / 2) * np.std(halves, ddof=1))
    return Share(float(expit(whole)), (float(expit(whole - reach)), float(expit(whole + reach))))


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
