"""Measures every generator of a synthetic set: the rows of audit.json."""

from collections.abc import Callable
from typing import Any

import numpy as np

from components.audit.generators import Generator
from components.audit.memorisation import memorisation
from components.audit.quality import quality
from components.contracts.features import MOST_MEASURED, measured_rows
from components.contracts.imageset import ImageSet
from components.contracts.progress import report
from components.contracts.similarity import side_by_side, thumbnails

# Gives the features, float64 [n, D], of some rows of the development or the synthetic set (named so).
FeaturesOf = Callable[[str, np.ndarray], np.ndarray]


def measure_quality(
    synthetic: ImageSet, development: ImageSet, generators: list[Generator], features_of: FeaturesOf, seed: int
) -> list[dict[str, Any]]:
    """Return the figures of audit.json's `quality`, one a generator; at most 5000 real images a class are used."""
    rows = measured_rows(development, seed)
    real_rows = {one.label: rows[development.labels[rows] == one.label] for one in generators}
    real = {label: features_of("development", of_class) for label, of_class in real_rows.items()}
    found = []
    for one in generators:
        groups = development.groups[real_rows[one.label]]
        made = features_of("synthetic", one.rows[: len(groups) // 2])
        figures = quality(real[one.label], groups, made, one.seed(seed))
        found.append({"class": development.classes[one.label], "generator": one.name, **figures})
        report(
            "audit", "-", len(found), len(generators), "qualities", kid=figures["kid"], floor=figures["floor"]["kid"]
        )
    return found


def measure_memorisation(
    synthetic: ImageSet, development: ImageSet, generators: list[Generator], seed: int
) -> list[dict[str, Any]]:
    """Return the figures of audit.json's `memorisation`, one a generator, from its first 5000 images."""
    found = []
    for one in generators:
        real_rows = np.flatnonzero(development.labels == one.label)
        held_out = development.validation_mask(one.number)[real_rows]
        made_rows = one.rows[:MOST_MEASURED]
        result = memorisation(
            thumbnails(synthetic.images[made_rows]),
            thumbnails(development.images[real_rows]),
            development.groups[real_rows],
            held_out,
            one.seed(seed),
        )
        flagged = int(result.flagged.sum())
        found.append(
            {
                "class": development.classes[one.label],
                "generator": one.name,
                "share_closer_to_training": result.share,
                "interval": list(result.interval),
                "flagged": flagged,
                "flag_threshold": result.threshold,
                "synthetic_images": len(made_rows),
                "held_out_images": int(held_out.sum()),
                "held_out_flagged": result.held_out_flagged,
                "closest": [
                    {
                        "synthetic_path": str(synthetic.paths[made_rows[i]]),
                        "real_path": str(development.paths[real_rows[result.matches[i]]]),
                        "distance": float(result.distances[i]),
                        "picture": side_by_side(
                            synthetic.images[made_rows[i]], development.images[real_rows[result.matches[i]]]
                        ),
                    }
                    for i in result.closest
                ],
            }
        )
        report("audit", "-", len(found), len(generators), "privacies", share=result.share, flagged=flagged)
    return found
