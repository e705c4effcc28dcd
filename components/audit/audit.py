"""Judges every generator of the synthetic set, and writes the audit report."""

from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from components.audit import inception
from components.audit.generators import generators_of
from components.audit.measure import FeaturesOf, measure_quality
from components.audit.memorisation import ABOUT
from components.audit.privacy import measure_privacy
from components.contracts.features import Features
from components.contracts.files import fresh_folder, write_json
from components.contracts.imageset import ImageSet
from components.contracts.machine import this_machine
from components.contracts.progress import report
from components.storage.addresses import local_file

FEATURE_CHUNK = 512


def audit(
    development: ImageSet,
    test: ImageSet,
    synthetic: ImageSet,
    features: Features,
    seed: int,
    *,
    inception_weights: str,
    threads: int,
    report_folder: str | Path,
) -> None:
    """Write audit.json: of every generator's images the quality, the privacy, and whether they know the test set.

    Quality is judged by `features`, or by those of Inception with the weights in the file `inception_weights` if that
    is not "". Generators are judged on all processors, each on `threads` of them, and in the memory that there is. Same
    seed, same bits. Raises InputError if the weights can't be used or features are missing.
    """
    torch.set_num_threads(threads)
    with threadpool_limits(threads):
        about, features_of = _features(
            {"development": development, "synthetic": synthetic}, features, inception_weights
        )
        generators = generators_of(synthetic)
        # Inception makes its features on the way, and in one place.
        workers = 1 if inception_weights else this_machine().cells_at_once(threads)
        write_json(
            fresh_folder(report_folder) / "audit.json",
            {
                "features": about,
                "quality": measure_quality(synthetic, development, generators, features_of, seed, workers),
                "memorisation_rule": ABOUT,
                "memorisation": measure_privacy(synthetic, development, test, generators, seed),
            },
        )


def _features(imagesets: dict[str, ImageSet], features: Features, weights: str) -> tuple[str, FeaturesOf]:
    """Return what is to be said about the features, and what gives those of some rows of an image set."""
    if not weights:
        opened = {name: features.open(name, imageset) for name, imageset in imagesets.items()}
        return features.extractor, lambda name, rows: opened[name].of(rows)[:, 0].astype(np.float64)
    with local_file("inception_weights", weights) as path:
        network, about = inception.load_inception(path)

    def of(name: str, rows: np.ndarray) -> np.ndarray:
        parts = []
        for start in range(0, len(rows), FEATURE_CHUNK):
            chunk = rows[start : start + FEATURE_CHUNK]
            parts.append(inception.inception_features(network, imagesets[name].images[chunk]))
            report("audit", "-", start + len(chunk), len(rows), "features")
        return np.concatenate(parts)

    return about, of
