"""Judges every generator of the synthetic set, and writes the audit report."""

from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from components.audit import encoder, inception
from components.audit.generators import generators_of
from components.audit.measure import Features, measure_memorisation, measure_quality
from components.audit.memorisation import ABOUT
from components.contracts.files import fresh_folder, write_json
from components.contracts.imageset import ImageSet
from components.contracts.progress import report
from components.storage.addresses import local_file


def audit(
    development: ImageSet,
    synthetic: ImageSet,
    seed: int,
    *,
    inception_weights: str,
    threads: int,
    report_folder: str | Path,
) -> None:
    """Write audit.json: the quality and privacy of every generator's images.

    Features come from Inception with the weights in the file `inception_weights`, or from a small encoder trained
    here if that is "". Same seed, same bits. Raises InputError if the weights can't be used.
    """
    torch.set_num_threads(threads)
    with threadpool_limits(threads):
        about, features = _features(development, seed, inception_weights)
        generators = generators_of(synthetic)
        write_json(
            fresh_folder(report_folder) / "audit.json",
            {
                "features": about,
                "quality": measure_quality(synthetic, development, generators, features, seed),
                "memorisation_rule": ABOUT,
                "memorisation": measure_memorisation(synthetic, development, generators, seed),
            },
        )


def _features(development: ImageSet, seed: int, weights: str) -> tuple[str, Features]:
    """Return what makes features of images, and what is to be said about it."""
    if weights:
        with local_file("inception_weights", weights) as path:
            network, about = inception.load_inception(path)
        return about, lambda images: inception.inception_features(network, images)
    report("audit", "-", 0, 1, "encoders")
    trained = encoder.train_encoder(development.images, development.labels, seed)
    report("audit", "-", 1, 1, "encoders")
    return encoder.ABOUT, lambda images: encoder.encode(trained, images)
