"""Measures what every generator gives back: of its training images, of the test set, and of itself."""

from typing import Any

import numpy as np

from components.audit.closeness import nearest_counts, share_closer
from components.audit.generators import Generator
from components.audit.memorisation import distinct_rows, memorisation
from components.contracts.arms import GAN
from components.contracts.features import MOST_MEASURED
from components.contracts.imageset import ImageSet
from components.contracts.progress import report, warn
from components.pictures.similarity import nearest, side_by_side, thumbnails

# Pictures nearer to each other than this share of the usual distance of real images to the next are as good as one.
APART = 0.25
# A generator with a smaller share of distinct pictures has collapsed: of 100 real images all are distinct.
FEWEST_DISTINCT = 0.05


def measure_privacy(
    synthetic: ImageSet, development: ImageSet, test: ImageSet, generators: list[Generator], seed: int
) -> list[dict[str, Any]]:
    """Return the figures of audit.json's `memorisation`, one a generator, from its first 5000 images.

    A GAN has learnt from the training rows of its replicate and is held against their validation rows. What other
    sources have learnt from is not known: they are held against the test set, whose images they should not know.
    """
    found = []
    for one in generators:
        real = _Real(development, test, one)
        made_rows = one.rows[:MOST_MEASURED]
        made = thumbnails(synthetic.images, made_rows)
        distinct = distinct_rows(made, APART * real.typical_distance)
        told = memorisation(made, distinct, real.small, real.groups, real.held_out, one.seed(seed))
        counts = nearest_counts(made[distinct], real.small_against_test, real.groups_against_test)
        test_share = share_closer(counts, ~real.of_test, real.groups_against_test, one.seed(seed))
        flagged = int(told.flagged.sum())
        found.append(
            {
                "class": development.classes[one.label],
                "generator": one.name,
                "synthetic_images": len(made_rows),
                "distinct_images": len(distinct),
                "share_closer_to_training": told.share.value,
                "interval": list(told.share.interval),
                "control": {"share": told.control.value, "interval": list(told.control.interval)},
                "share_closer_to_test": test_share.value,
                "test_interval": list(test_share.interval),
                "test_p_value": test_share.p_value,
                "flagged": flagged,
                "flag_threshold": told.threshold,
                "held_out_images": int(real.held_out.sum()),
                "held_out_flagged": told.held_out_flagged,
                "closest": [
                    {
                        "synthetic_path": str(synthetic.paths[made_rows[i]]),
                        "real_path": str(development.paths[real.rows[told.matches[i]]]),
                        "distance": float(told.distances[i]),
                        "picture": side_by_side(
                            synthetic.images[made_rows[i]], development.images[real.rows[told.matches[i]]]
                        ),
                    }
                    for i in told.closest
                ],
            }
        )
        _warn(one.name, found[-1])
        report("audit", "-", len(found), len(generators), "privacies", share=told.share.value, flagged=flagged)
    return found


def _warn(generator: str, about: dict[str, Any]) -> None:
    name, distinct, images = about["class"], about["distinct_images"], about["synthetic_images"]
    if distinct < FEWEST_DISTINCT * images:
        warn("audit", "-", f"{generator}: only {distinct:,} of {images:,} pictures of {name} differ: it has collapsed")


class _Real:
    """The real images of a generator's class: thumbnails (float32 [N, 8, 8, 3]), groups, and which it can't know.

    `rows` are those of the development set, which come first. `*_against_test` are the test images, told by `of_test`,
    and the development images that they are held against: those the generator can't know, or all if that is unknown.
    """

    def __init__(self, development: ImageSet, test: ImageSet, one: Generator) -> None:
        self.rows = np.flatnonzero(development.labels == one.label)
        test_rows = np.flatnonzero(test.labels == one.label)
        small, groups = thumbnails(development.images, self.rows), development.groups[self.rows]
        small_test, groups_test = thumbnails(test.images, test_rows), test.groups[test_rows]
        if one.source == GAN:
            self.small, self.groups = small, groups
            self.held_out = development.validation_mask(one.number)[self.rows]
            unknown = self.held_out
        else:
            self.small, self.groups = np.concatenate([small, small_test]), np.concatenate([groups, groups_test])
            self.held_out = np.arange(len(self.small)) >= len(small)
            unknown = np.ones(len(small), bool)
        self.small_against_test = np.concatenate([small[unknown], small_test])
        self.groups_against_test = np.concatenate([groups[unknown], groups_test])
        self.of_test = np.arange(len(self.small_against_test)) >= unknown.sum()
        self.typical_distance = float(np.median(nearest(small, small, 1, groups, groups).distances[:, 0]))
