"""Makes the synthetic set: draws from the GANs, and gathers the user's own synthetic images."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from components.contracts.arms import GAN, Arm, most_synthetic
from components.contracts.errors import InputError
from components.contracts.files import fresh_folder, write_json
from components.contracts.imageset import FEWEST_IMAGES, ImageSet, pixel_digest, pixels_written, read_pixels, write_rows
from components.contracts.progress import report, warn
from components.data_set.synthetic_sets import SyntheticSet, open_synthetic_sets
from components.data_set.words import count as counted
from components.data_set.words import shown
from components.generators.sample import draws, load_generator
from components.generators.scale import scaled
from components.synthesize.gather import gather
from components.synthesize.generators import FILES, TrainedGan, find_gans
from components.synthesize.screen import Screens

ENOUGH_TO_MEASURE = 1000
MOST_DRAWN = 2  # times as many pictures as are wanted, in place of near-copies of test images

Add = Callable[[np.ndarray], None]


@dataclass
class _Rows:
    """What is known of the images written so far, beside their pixels."""

    paths: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    sha256: list[str] = field(default_factory=list)
    generators: int = 0

    def add(self, paths: list[str], label: int, generator: str, sha256: list[str]) -> None:
        self.paths += paths
        self.labels += [label] * len(paths)
        self.groups += [generator] * len(paths)
        self.sha256 += sha256
        self.generators += 1


def synthesize(
    generator_folders: Sequence[Path],
    development: ImageSet,
    test: ImageSet,
    external: ImageSet,
    arms: list[Arm],
    seed: int,
    *,
    synthetic_sets: dict[str, Any],
    on_leak: str,
    max_bad_share: float,
    replicates: int,
    threads: int,
    bits_used: int = 16,
    synthetic_folder: str | Path,
    report_folder: str | Path,
) -> None:
    """Draw from every generator and gather every set of `synthetic_sets`; write the synthetic set.

    Into `report_folder` go the generators' curves; gathered.json: of each set and class how many images it has, how
    many were taken and what was refused; and copies.json: near-copies of test images. Rows are in the order of class,
    generator (`gan-0`, ..., `NAME-0`, ...) and number of the draw, or place in the set's fixed order.

    Each class and generator gets as many images as the most demanding arm takes, and no fewer than an audit needs: as
    many as there are real ones, up to 1000. Of a set that holds more, each replicate may have others. Pictures of GANs
    that draw smaller ones are scaled up to the size of the development set. Same seed, same bits.

    Near-copies of test images, own or external, are left out, kept or refused, as `on_leak` says ("drop", "keep" or
    "fail"); where they are left out, the next in the fixed order take their places.

    Raises InputError if a generator is missing, given twice or broken, if a class has too few real images to be
    audited by, if a set is missing, unreadable or too small for an arm, or as soon as a GAN gives back so many test
    images that an arm is left without its own.
    """
    torch.set_num_threads(threads)
    with threadpool_limits(threads):
        gans = find_gans(generator_folders, development.classes, development.image_size)
        sets = open_synthetic_sets(synthetic_sets, development.classes)
        _check_real(development, gans)
        folder = fresh_folder(report_folder)
        rows, size = _Rows(), development.image_size
        screens = Screens(test, external, development, on_leak, seed)
        gathered: list[dict[str, Any]] = []
        planned = len(gans) + len(development.classes) * len(sets)
        with pixels_written(synthetic_folder, size) as add:
            for label in range(len(development.classes)):
                for gan in gans:
                    if gan.label == label:
                        _draw(gan, development, arms, replicates, seed, rows, screens, add)
                        report("synthesize", "-", rows.generators, planned, "generators")
                for one in sets:
                    gathered.append(
                        _gather(
                            one,
                            label,
                            development,
                            arms,
                            replicates,
                            seed,
                            threads,
                            max_bad_share,
                            bits_used,
                            rows,
                            screens,
                            add,
                        )
                    )
                    report("synthesize", "-", rows.generators, planned, "generators")
        write_rows(synthetic_folder, _imageset(rows, development, read_pixels(synthetic_folder)))
        write_json(folder / "gathered.json", gathered)
        write_json(folder / "copies.json", screens.report())
        for gan in gans:
            _copy_curves(gan, folder / "gans" / f"{development.classes[gan.label]}-{gan.replicate}")


def wanted_of(
    development: ImageSet, arms: Sequence[Arm], source: str, replicates: int, there: Sequence[int]
) -> list[int]:
    """Return the most images of a source that any replicate of any arm takes of each class.

    `there` are the images that the source has of each class.
    """
    wanted = []
    for replicate in range(replicates):
        learnt_from = development.labels[~development.validation_mask(replicate)]
        counts = np.bincount(learnt_from, minlength=len(development.classes)).tolist()
        wanted.append(most_synthetic(arms, source, counts, there))
    return [max(counts) for counts in zip(*wanted, strict=True)]


def _draw(
    gan: TrainedGan,
    development: ImageSet,
    arms: list[Arm],
    replicates: int,
    seed: int,
    rows: _Rows,
    screens: Screens,
    add: Add,
) -> None:
    name, generator = development.classes[gan.label], f"{GAN}-{gan.replicate}"
    real = int((development.labels == gan.label).sum())
    wanted = wanted_of(development, arms, GAN, replicates, [0] * len(development.classes))[gan.label]
    count = max(wanted, min(real, ENOUGH_TO_MEASURE))
    network = load_generator(gan.folder)
    numbers: list[int] = []
    sha256: list[str] = []
    drawn = 0
    batches, batch = draws(network, gan.seed(seed)), np.empty(0)
    while len(sha256) < count and drawn < MOST_DRAWN * count:
        batch = batch if len(batch) else next(batches)
        more = min(len(batch), count - len(sha256), MOST_DRAWN * count - drawn)
        new = np.arange(drawn, drawn + more)
        images, batch = scaled(batch, np.arange(more), development.image_size), batch[more:]
        taken = screens.look_over(images, [f"{name}/{generator}, draw {i}" for i in new], name, generator)
        add(images[taken])
        numbers += new[taken].tolist()
        sha256 += [pixel_digest(image) for image in images[taken]]
        drawn += more
    if len(sha256) < wanted:
        raise InputError(
            f"on_leak: {screens.kept_out(name, generator):,} of {drawn:,} pictures of {shown(name)} that {generator} "
            f"drew are near-copies of test images, and an arm wants {wanted:,} others; is the test set learnt from?"
        )
    rows.add([f"{name}/{generator}/{i:06d}" for i in numbers], gan.label, generator, sha256)


def _gather(
    one: SyntheticSet,
    label: int,
    development: ImageSet,
    arms: list[Arm],
    replicates: int,
    seed: int,
    threads: int,
    max_bad_share: float,
    bits_used: int,
    rows: _Rows,
    screens: Screens,
    add: Add,
) -> dict[str, Any]:
    name = development.classes[label]
    there = [one.count(each) for each in development.classes]
    wanted = wanted_of(development, arms, one.name, replicates, there)[label]
    real = int((development.labels == label).sum())
    most = min(there[label], max(wanted * replicates, min(real, ENOUGH_TO_MEASURE)))

    def take(images: np.ndarray, paths: list[str]) -> np.ndarray:
        taken = screens.look_over(images, paths, name, one.generator)
        add(images[taken])
        return taken

    found = gather(one, name, most, development.image_size, seed, threads, max_bad_share, take, bits_used)
    copies = screens.kept_out(name, one.generator)
    if not found.paths and copies:
        raise InputError(
            f"on_leak: {one.name} holds nothing but copies of the test images: all {counted(copies, 'picture')} of "
            f"{shown(name)} that could be read; make pictures without the test set"
        )
    takes_all = any(arm.source == one.name and arm.amount == "all" for arm in arms)
    if not found.paths or (len(found.paths) < wanted and not takes_all):
        raise InputError(
            f"synthetic_sets: {one.name}: {len(found.paths):,} images of {shown(name)} can be taken, an arm wants "
            f"{wanted:,} ({counted(len(found.refused), 'file')} refused, {copies:,} "
            "near-copies of test images); ask for fewer, or mend the set"
        )
    rows.add([f"{name}/{one.generator}/{path}" for path in found.paths], label, one.generator, found.sha256)
    if found.refused:
        file, reason = found.refused[0]
        files = counted(len(found.refused), "file")
        warn("synthesize", "-", f"{one.name}: {files} of {shown(name)} left out, first {shown(file.path)}: {reason}")
    return {
        "source": one.name,
        "generator": one.generator,
        "class": name,
        "files": there[label],
        "images": len(found.paths),
        "refused": [{"path": file.path, "reason": reason} for file, reason in found.refused],
    }


def _imageset(rows: _Rows, development: ImageSet, images: np.ndarray) -> ImageSet:
    count = len(rows.paths)
    return ImageSet(
        name=development.name,
        notice=development.notice,
        classes=development.classes,
        positive_class=development.positive_class,
        images=images,
        paths=np.array(rows.paths, dtype=np.str_),
        labels=np.array(rows.labels, dtype=np.int64),
        splits=np.full(count, "synthetic"),
        folds=np.full(count, -1),
        groups=np.array(rows.groups, dtype=np.str_),
        sha256=np.array(rows.sha256, dtype=np.str_),
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
