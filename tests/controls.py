"""Controls: synthetic sets of which it is known whether they help, made from a data set's own images.

    python -m tests.controls DATA FOLDER [TABLE]

    FOLDER/data/                 a fifth of the training images, and the test set
    FOLDER/held_back/            the other training images: the best generator there can be
    FOLDER/other_classes/        the same images, each under the next class
    FOLDER/noise/                noise, as many pictures as there are training images
    FOLDER/test_copies/          the test images, mirrored and encoded anew
    FOLDER/test_blends/          averages of two test images each, no copies of any
    FOLDER/training_copies/      the images of data/train/, mirrored and encoded anew

A lesion or patient (TABLE) is in one of the test set, data/train/ and held_back/ only.
"""

import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from components.data_set.data_set import DataSet, open_data_set
from components.data_set.files import ImageFile


def write_controls(data_set: DataSet, folder: Path, share: float = 0.2, seed: int = 0) -> None:
    """Write the controls of a data set with a test set into a new folder; `share` of its images are learnt from."""
    tested = [file for file in data_set.files if file.split == "test"]
    known = {file.group for file in tested if file.group}
    others = [file for file in data_set.files if file.split != "test" and file.group not in known]
    root, labels = Path(data_set.address), data_set.classes
    for file in tested:
        _copy(root, file, folder / "data/test" / file.label)
        _mirror(root, file, folder / "test_copies" / file.label)
    for number, label in enumerate(labels):
        own = [file for file in others if file.label == label]
        learnt_from, held_back = _parted(own, share, np.random.default_rng([seed, number]))
        for file in learnt_from:
            _copy(root, file, folder / "data/train" / label)
            _mirror(root, file, folder / "training_copies" / label)
        for file in held_back:
            _copy(root, file, folder / "held_back" / label)
            _copy(root, file, folder / "other_classes" / labels[(number + 1) % len(labels)])
        _blend(root, [file for file in tested if file.label == label], folder / "test_blends" / label, seed)
        with Image.open(root / own[0].path) as image:
            size = image.size
        for i in range(len(learnt_from)):
            pixels = np.random.default_rng([seed, number, i]).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
            _save(Image.fromarray(pixels), folder / "noise" / label / f"{i:04}.jpg")


def _parted(files: list[ImageFile], share: float, rng: np.random.Generator) -> tuple[list[ImageFile], list[ImageFile]]:
    """Return about a share of the files, in whole groups, and the others."""
    names = sorted({file.group or file.path for file in files})
    taken: list[ImageFile] = []
    for place in rng.permutation(len(names)):
        if len(taken) >= share * len(files):
            break
        taken += [file for file in files if (file.group or file.path) == names[place]]
    return taken, [file for file in files if file not in taken]


def _copy(root: Path, file: ImageFile, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(root / file.path, folder / f"{file.label}-{Path(file.path).name}")


def _mirror(root: Path, file: ImageFile, folder: Path) -> None:
    with Image.open(root / file.path) as image:
        _save(ImageOps.mirror(image.convert("RGB")), folder / f"{Path(file.path).stem}.jpg")


def _blend(root: Path, files: list[ImageFile], folder: Path, seed: int) -> None:
    """Write as many pictures as there are files, each of one of them and a little less of another."""
    others = np.roll(np.random.default_rng(seed).permutation(len(files)), 1)
    for number, (first, second) in enumerate(zip(files, np.array(files, object)[others], strict=True)):
        with Image.open(root / first.path) as one, Image.open(root / second.path) as other:
            blended = Image.blend(one.convert("RGB"), other.convert("RGB").resize(one.size), 0.4)
        _save(blended, folder / f"{number:04}.jpg")


def _save(image: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=90)


if __name__ == "__main__":
    data, target, *table = sys.argv[1:]
    write_controls(open_data_set(data, *table), Path(target))
