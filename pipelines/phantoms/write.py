"""Writes a data set of phantoms: pictures for demonstration and tests, as many as wanted, the same for one seed.

    folder/train/<class>/0000.png ...     without test pictures: folder/<class>/0000.png ...
    folder/test/<class>/0000.png ...
    folder/data_set.json                  name, notice, and under `phantoms` what was drawn

PNG, because it keeps the pixels as drawn: what JPEG makes of them depends on the library's version.
"""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from components.contracts.errors import InputError
from components.contracts.files import read_json, write_json
from pipelines.phantoms.drawing import class_names, draw_phantom

NAME = "phantoms"
NOTICE = "Phantoms: computer-drawn pictures, not patients. Nothing here says anything about real lesions."
# Raise it whenever the pictures change, so that phantoms drawn by an older gansweep are drawn anew.
DRAWING = 1
ABOUT = "data_set.json"
_STAGING = ".phantoms-"


@dataclass(frozen=True)
class Phantoms:
    """What to draw: `size` in pixels, counts in pictures a class."""

    per_class: int
    test_per_class: int
    classes: int
    size: int
    seed: int
    drawing: int = DRAWING

    def check(self) -> None:
        """Raise InputError that names the number that is out of range."""
        for name, low, high in (
            ("per_class", 1, 1_000_000),
            ("test_per_class", 0, 1_000_000),
            ("classes", 2, 1000),
            ("size", 8, 4096),
            ("seed", 0, 2**63 - 1),
        ):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise InputError(f"{name}: {value} won't do; give a whole number from {low} to {high}")

    def pictures(self) -> Iterator[tuple[str, int, int, int]]:
        """Yield each picture's path in the data set and its part (0 train, 1 test), class number and index."""
        parts = [("train/", self.per_class), ("test/", self.test_per_class)]
        if not self.test_per_class:
            parts = [("", self.per_class)]
        for part, (folder, count) in enumerate(parts):
            for number, name in enumerate(class_names(self.classes)):
                for index in range(count):
                    yield f"{folder}{name}/{index:04d}.png", part, number, index

    def paths(self) -> set[str]:
        """Return the paths of all files of the data set."""
        return {path for path, *_ in self.pictures()} | {ABOUT}


def write_phantoms(
    folder: str | Path, *, per_class: int, test_per_class: int, classes: int = 2, size: int = 64, seed: int = 0
) -> tuple[str, ...]:
    """Write a data set of phantoms and return the names of its classes.

    `per_class` and `test_per_class` are pictures a class, `size` pixels square. Picture i of a class depends on its
    size, part and the seed alone, not on how many are drawn. A folder that holds exactly these phantoms is left as it
    is; other phantoms are replaced. Raises InputError for a number out of range, a folder that holds anything else, or
    one that can't be written; what stood there then stands there still.
    """
    wanted = Phantoms(per_class, test_per_class, classes, size, seed)
    wanted.check()
    folder = Path(folder).expanduser()
    try:
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder}: is a file; name a new or empty folder")
        if not _holds(folder, wanted):
            _draw_all(folder, wanted)
    except OSError as error:
        raise InputError(f"{folder}: can't be written ({error.strerror or error}); name another folder") from None
    return class_names(classes)


def _holds(folder: Path, wanted: Phantoms) -> bool:
    """Whether the folder holds exactly these phantoms; raises InputError if it holds anything but phantoms."""
    if not folder.exists() or not _entries(folder):
        return False
    there = _recorded(folder)
    if there is None:
        raise InputError(f"{folder}: holds files that are not phantoms; name a new or empty folder")
    # A link to a folder counts as a file: what it leads to is not ours.
    inside = [path for entry in _entries(folder) for path in (entry, *entry.rglob("*"))]
    files = {path.relative_to(folder).as_posix() for path in inside if path.is_symlink() or not path.is_dir()}
    strangers = sorted(files - there.paths())
    if strangers:
        raise InputError(f"{folder / strangers[0]}: is not one of the phantoms; move it away or name another folder")
    return there == wanted and files == wanted.paths()


def _entries(folder: Path) -> list[Path]:
    """Return what lies in the folder itself, apart from hidden files, which belong to the system or to a tool."""
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _recorded(folder: Path) -> Phantoms | None:
    """Return what the folder's own record says was drawn, None if it is no record of phantoms."""
    try:
        there = Phantoms(**read_json(folder / ABOUT)["phantoms"])
        there.check()
    except (InputError, KeyError, TypeError):
        return None
    return there


def _draw_all(folder: Path, wanted: Phantoms) -> None:
    """Draw into a hidden folder inside `folder`, then move all of it up: no half-drawn data set is ever seen."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{_STAGING}*"):
        shutil.rmtree(left)
    staging = Path(tempfile.mkdtemp(dir=folder, prefix=_STAGING))
    try:
        for path, part, number, index in wanted.pictures():
            target = staging / path
            target.parent.mkdir(parents=True, exist_ok=True)
            picture = draw_phantom(number, index, size=wanted.size, seed=wanted.seed, part=part)
            Image.fromarray(picture).save(target, format="PNG", compress_level=1)
        write_json(staging / ABOUT, {"name": NAME, "notice": NOTICE, "phantoms": asdict(wanted)})
        # The old record goes last, the new one comes first: cut short, the next call still knows the folder as its own.
        for old in sorted(_entries(folder), key=Path.is_file):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        for new in sorted(staging.iterdir(), key=Path.is_dir):
            new.replace(folder / new.name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
