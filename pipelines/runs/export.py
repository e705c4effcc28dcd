"""Writes the synthetic images of a finished run as PNG files, with a table of what is known of each."""

import csv
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from components.contracts.arms import GAN
from components.contracts.errors import InputError
from components.contracts.imageset import ImageSet, read_imageset
from components.contracts.plain_text import spreadsheet_cell
from components.data_set.words import shown
from components.pictures.similarity import NEIGHBOURHOOD, nearest, relative_distance, thumbnails, usual_among
from components.synthesize.copies import CopySearch
from components.synthesize.generators import TrainedGan
from pipelines.runs.folder import refuse_among_images
from pipelines.runs.table import load_verdict

TABLE = "images.csv"
COLUMNS = ("file", "class", "source", "generator", "origin", "seed", "nearest_real", "distance", "flags")
OF_DEVELOPMENT, OF_TEST = "near-copy of a development image", "near-copy of a test image"
_CHUNK = 256  # pictures in memory at once


def export(run: Path, out: Path, sources: Sequence[str], classes: Sequence[str], count: int) -> int:
    """Write `count` images a class and source (0: all) into a new folder `out`; return how many were written.

    No sources or classes mean all. Where a source has several generators, each gives as many: the first in its order.
    images.csv has a row a file: class, source, generator, origin (number of the draw, or the file in the user's set),
    the seed of the draws (of GANs), the nearest development image of the class and its relative distance (0: a copy, 1
    is usual), and flags by the limits of the audit (of development images) and of `synthesize` (of test images).

    Raises InputError if the run isn't finished, has no such source or class or too few images, or `out` can't be
    written or lies among the images of the run.
    """
    parameters = load_verdict(run)["parameters"]
    refuse_among_images(out, parameters)
    synthetic = read_imageset(_output(run, "synthesize", "synthetic_set"))
    development = read_imageset(_output(run, "prepare", "development_set"))
    test = read_imageset(_output(run, "prepare", "test_set"))
    chosen = _chosen(synthetic, sources, classes, count)
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise InputError(f"--out: {out} is there already; give a new or empty folder")
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as staging:
            whole = Path(staging) / "images"
            whole.mkdir()
            with (whole / TABLE).open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                for row in _written(whole, synthetic, chosen, development, test, parameters["seed"]):
                    writer.writerow([spreadsheet_cell(str(cell)) for cell in row])
            whole.replace(out)
    except OSError as error:
        raise InputError(f"--out: {out} can't be written ({error.strerror or error}); give another folder") from None
    return sum(len(rows) for *_, rows in chosen)


def _output(run: Path, stage: str, name: str) -> Path:
    found = sorted(run.glob(f"artifacts/*/{stage}/{name}"))
    if not found:
        folds = sorted(run.glob("runs/*"))  # a run over test folds, or a sweep
        other = f"one of its runs such as {folds[0]}" if folds else "the folder of a run on this machine"
        raise InputError(f"{run}: holds no artifacts of {stage}; give {other}")
    return found[-1]


def _chosen(
    synthetic: ImageSet, sources: Sequence[str], classes: Sequence[str], count: int
) -> list[tuple[int, str, np.ndarray]]:
    """Return which rows (int64) to write of each class (its number) and generator, by class."""
    names = sorted({str(group).rpartition("-")[0] for group in np.unique(synthetic.groups)})
    if not names:
        raise InputError("the run has no synthetic images: none of its arms takes any")
    for option, wanted, known in (("--source", sources, names), ("--class", classes, list(synthetic.classes))):
        foreign = [one for one in wanted if one not in known]
        if foreign:
            raise InputError(f"{option}: the run has no {shown(foreign[0])}; it has {', '.join(map(shown, known))}")
    chosen = []
    for label in (synthetic.classes.index(name) for name in dict.fromkeys(classes or synthetic.classes)):
        for source in dict.fromkeys(sources or names):
            generators = synthetic.generators_of(source)
            for place, generator in enumerate(generators):
                rows = np.flatnonzero((synthetic.labels == label) & (synthetic.groups == generator))
                number = len(range(place, count, len(generators))) if count else len(rows)
                if number > len(rows):
                    name = shown(synthetic.classes[label])
                    raise InputError(
                        f"--count: the run has {len(rows):,} images of {name} by {generator}; ask for fewer"
                    )
                chosen.append((label, generator, rows[:number]))
    return chosen


def _written(
    folder: Path,
    synthetic: ImageSet,
    chosen: list[tuple[int, str, np.ndarray]],
    development: ImageSet,
    test: ImageSet,
    seed: int,
) -> Iterator[tuple]:
    """Write the files, and yield their rows of the table."""
    copies_of_test = CopySearch(test, development, seed)
    names = _folder_names(synthetic.classes)
    for label, generator, rows in chosen:
        (folder / names[label]).mkdir(exist_ok=True)
        source, _, replicate = generator.rpartition("-")
        drawn_with = TrainedGan(folder, label, int(replicate)).seed(seed) if source == GAN else ""
        real = np.flatnonzero(development.labels == label)
        real_thumbnails = thumbnails(development.images, real)
        typical, limit = usual_among(real_thumbnails, development.groups[real])
        for start in range(0, len(rows), _CHUNK):
            images = synthetic.images[rows[start : start + _CHUNK]]
            near = nearest(thumbnails(images), real_thumbnails, NEIGHBOURHOOD + 1)
            distances = relative_distance(near.distances, typical)
            of_test = copies_of_test.find(images).flagged
            for i, image in enumerate(images):
                path = str(synthetic.paths[rows[start + i]])
                origin = path.removeprefix(f"{synthetic.classes[label]}/{generator}/")
                number = int(origin) if source == GAN else start + i
                file = f"{names[label]}/{generator}-{number:06}.png"
                Image.fromarray(image).save(folder / file)
                nearest_real, distance = development.paths[real[near.rows[i, 0]]], f"{distances[i]:.4f}"
                flags = [OF_DEVELOPMENT] * bool(distances[i] < limit) + [OF_TEST] * bool(of_test[i])
                known = (file, synthetic.classes[label], source, generator, origin, drawn_with)
                yield (*known, nearest_real, distance, "; ".join(flags))


def _folder_names(classes: Sequence[str]) -> list[str]:
    """Return a name of a folder for each class: that of the class, but for signs that lead elsewhere."""
    names: list[str] = []
    for number, label in enumerate(classes):
        name = re.sub(r"[^\w .,()+=-]", "_", label).strip(" .")[:60] or "class"
        names.append(f"{name}-{number}" if name.casefold() in map(str.casefold, names) else name)
    return names
