"""Whether a generator gives real images back: those it learnt from, or those of the test set.

Two questions. Does it draw nearer to some real images of its class than to others that it can't know ("held out")? And
is any synthetic image nearer to a training image than real images are to each other?
"""

from dataclasses import dataclass

import numpy as np

from components.audit.closeness import Share, drawn_by_lot, nearest_counts, share_closer
from components.pictures.similarity import NEIGHBOURHOOD, nearest, relative_distance, usual_among

CLOSEST = 10
ABOUT = (
    "Distances are between thumbnails of 8 x 8 pixels in the best of 8 orientations. Share closer to training: the "
    "training images count as if they were as many as the held-out ones, so that 50% is ideal and 100% are copies; "
    "nearest is measured against how far apart real images lie thereabouts. Of pictures that hardly differ one counts. "
    "Intervals: what the odds may be if chance dealt the held-out images out in whole groups (permutation test). The "
    "control is the same share where training images, drawn by lot, stand for held-out ones: its interval should cover "
    "50%. Share closer to test: the same of test images, against development images that the generator can't know "
    "(for other sources than GANs, against all). Held out are the validation images of a GAN's replicate, which "
    "it never saw; for other sources, whose training isn't known, the test images. Flagged: the distance to the "
    "nearest training image, relative to the distances thereabouts (1 is usual), is below what 1% of the training "
    "images have to those of other groups (among fewer than 99 of them, below half of the smallest), and below 0.3."
)


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
        share=share_closer(nearest_counts(synthetic[distinct], real, groups), held_out, groups, seed),
        control=share_closer(
            nearest_counts(synthetic[distinct], training, training_groups), by_lot, training_groups, seed
        ),
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
