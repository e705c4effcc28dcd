"""Measures every generator of a synthetic set: the rows of quality.json."""

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from components.contracts.imageset import ImageSet
from components.contracts.progress import report
from components.synthesize.generators import TrainedGan
from components.synthesize.memorisation import memorisation
from components.synthesize.quality import quality
from components.synthesize.similarity import thumbnails

MOST_MEASURED = 5000
FEATURE_CHUNK = 512

Features = Callable[[np.ndarray], np.ndarray]


def measure_quality(
    synthetic: ImageSet, development: ImageSet, gans: list[TrainedGan], features: Features, seed: int
) -> list[dict[str, Any]]:
    """Return the figures of quality.json's `classes`, one a generator; at most 5000 real images a class are used."""
    real_rows = {gan.label: _sample(development.labels == gan.label, MOST_MEASURED, seed) for gan in gans}
    made_rows = [_first(synthetic, gan, len(real_rows[gan.label]) // 2) for gan in gans]
    planned = sum(map(len, real_rows.values())) + sum(map(len, made_rows))
    done = 0

    def of(imageset: ImageSet, rows: np.ndarray) -> np.ndarray:
        nonlocal done
        parts = []
        for start in range(0, len(rows), FEATURE_CHUNK):
            parts.append(features(imageset.images[rows[start : start + FEATURE_CHUNK]]))
            done += len(parts[-1])
            report("synthesize", "-", done, planned, "features")
        return np.concatenate(parts)

    real = {label: of(development, rows) for label, rows in real_rows.items()}
    found = []
    for gan, rows in zip(gans, made_rows, strict=True):
        groups = development.groups[real_rows[gan.label]]
        figures = quality(real[gan.label], groups, of(synthetic, rows), gan.seed(seed))
        found.append({"class": development.classes[gan.label], "gan": gan.replicate, **figures})
        report("synthesize", "-", len(found), len(gans), "qualities", kid=figures["kid"], floor=figures["floor"]["kid"])
    return found


def measure_memorisation(
    synthetic: ImageSet, development: ImageSet, gans: list[TrainedGan], seed: int
) -> list[dict[str, Any]]:
    """Return the figures of quality.json's `memorisation`, one a generator, from its first 5000 images."""
    found = []
    for gan in gans:
        real_rows = np.flatnonzero(development.labels == gan.label)
        held_out = development.validation_mask(gan.replicate)[real_rows]
        made_rows = _first(synthetic, gan, MOST_MEASURED)
        result = memorisation(
            thumbnails(synthetic.images[made_rows]),
            thumbnails(development.images[real_rows]),
            development.groups[real_rows],
            held_out,
            gan.seed(seed),
        )
        flagged = int(result.flagged.sum())
        found.append(
            {
                "class": development.classes[gan.label],
                "gan": gan.replicate,
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
                        "picture": _side_by_side(
                            synthetic.images[made_rows[i]], development.images[real_rows[result.matches[i]]]
                        ),
                    }
                    for i in result.closest
                ],
            }
        )
        report("synthesize", "-", len(found), len(gans), "privacies", share=result.share, flagged=flagged)
    return found


def _sample(mask: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Return the rows of a mask in order, or a random `most` of them."""
    rows = np.flatnonzero(mask)
    return np.sort(np.random.default_rng(seed).choice(rows, min(most, len(rows)), replace=False))


def _first(synthetic: ImageSet, gan: TrainedGan, most: int) -> np.ndarray:
    """Return the rows of the first images, at most so many, of one generator."""
    rows = np.flatnonzero((synthetic.labels == gan.label) & (synthetic.groups == f"gan-{gan.replicate}"))
    return rows[:most]


def _side_by_side(synthetic: np.ndarray, real: np.ndarray) -> str:
    """Return both images (uint8, S x S x 3) beside one another as a PNG in base64."""
    file = io.BytesIO()
    Image.fromarray(np.concatenate([synthetic, real], axis=1)).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")
