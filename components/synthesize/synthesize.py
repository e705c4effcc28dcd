"""Draws the synthetic set."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from components.contracts.arms import Arm, most_synthetic
from components.contracts.errors import InputError
from components.contracts.files import fresh_folder
from components.contracts.imageset import FEWEST_IMAGES, ImageSet, pixel_digest, write_imageset
from components.contracts.progress import report
from components.generators.sample import draw, load_generator
from components.generators.scale import scaled
from components.synthesize.generators import FILES, TrainedGan, find_gans

ENOUGH_TO_MEASURE = 1000


def synthesize(
    generator_folders: Sequence[Path],
    development: ImageSet,
    arms: list[Arm],
    seed: int,
    *,
    threads: int,
    synthetic_folder: str | Path,
    report_folder: str | Path,
) -> None:
    """Draw from every generator; write the synthetic set, and the generators' curves into `report_folder`.

    Each class and GAN replicate gets as many images as the most demanding arm takes, and no fewer than an audit
    needs: as many as there are real ones, up to 1000. Same seed, same bits.

    Raises InputError if a generator is missing, given twice or broken, or if a class has too few real images to
    be audited by.
    """
    torch.set_num_threads(threads)
    with threadpool_limits(threads):
        gans = find_gans(generator_folders, development.classes, development.image_size)
        _check_real(development, gans)
        write_imageset(synthetic_folder, draw_set(gans, development, arms, seed))
        folder = fresh_folder(report_folder)
        for gan in gans:
            _copy_curves(gan, folder / "gans" / f"{development.classes[gan.label]}-{gan.replicate}")


def draw_set(gans: list[TrainedGan], development: ImageSet, arms: list[Arm], seed: int) -> ImageSet:
    """Return the synthetic set: rows in the order of class, GAN replicate and number of the draw.

    Pictures of GANs that draw smaller ones are scaled up to the size of the development set.
    """
    real_counts = [int((development.labels == gan.label).sum()) for gan in gans]
    counts = [max(most_synthetic(arms, real), min(real, ENOUGH_TO_MEASURE)) for real in real_counts]
    size = development.image_size
    images = np.empty((sum(counts), size, size, 3), np.uint8)
    paths: list[str] = []
    done = 0
    for gan, count in zip(gans, counts, strict=True):
        drawn = draw(load_generator(gan.folder), count, gan.seed(seed))
        images[done : done + count] = scaled(drawn, np.arange(count), size)
        name = development.classes[gan.label]
        paths += [f"{name}/gan-{gan.replicate}/{i:06d}" for i in range(count)]
        done += count
        report("synthesize", "-", done, len(images), "images")
    return ImageSet(
        name=development.name,
        notice=development.notice,
        classes=development.classes,
        positive_class=development.positive_class,
        images=images,
        paths=np.array(paths),
        labels=np.repeat([gan.label for gan in gans], counts),
        splits=np.full(len(images), "synthetic"),
        folds=np.full(len(images), -1),
        groups=np.repeat([f"gan-{gan.replicate}" for gan in gans], counts),
        sha256=np.array([pixel_digest(image) for image in images]),
    )


def _check_real(development: ImageSet, gans: list[TrainedGan]) -> None:
    for gan in gans:
        name = development.classes[gan.label]
        rows = development.labels == gan.label
        if rows.sum() < FEWEST_IMAGES:
            raise InputError(
                f"data_set: {name} has {rows.sum()} development images; its synthetic images can be judged from "
                f"{FEWEST_IMAGES} on: add images"
            )
        held_out = development.validation_mask(gan.replicate)
        if not (rows & held_out).any() or len(set(development.groups[rows & ~held_out])) < 3:
            raise InputError(
                f"table: {name} has too few groups for validation rows of its own and three others; split its groups"
            )


def _copy_curves(gan: TrainedGan, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in FILES:
        shutil.copyfile(gan.folder / name, folder / name)
