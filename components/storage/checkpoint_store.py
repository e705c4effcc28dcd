"""Where checkpoints are kept: a folder of this machine, or a place in object storage that outlives a pod."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.contracts.files import whole_file
from components.storage.addresses import open_bucket
from components.storage.objects import is_address

if TYPE_CHECKING:
    from components.storage.bucket import Bucket

VARIABLE = "GANSWEEP_CHECKPOINTS"
# How long a training stands still while a checkpoint can't be stored: passes are worth more than it.
SECONDS_TO_KEEP = 20.0


@dataclass(frozen=True)
class FolderStore:
    """Checkpoints as files of a folder, which is made with the first of them."""

    folder: Path

    def names(self, key: str) -> list[str]:
        """Return the names that begin with `key`, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if path.name.startswith(f"{key}-"))

    @contextmanager
    def file(self, name: str) -> Iterator[Path]:
        """Yield the file of that name."""
        yield self.folder / name

    def keep(self, key: str, name: str, write: Callable[[Path], None]) -> None:
        """Keep what `write` writes to the path it is given, whole or not at all, and remove the others of `key`."""
        with whole_file(self.folder / name) as part:
            write(part)
        for other in self.names(key):
            if other != name:
                (self.folder / other).unlink(missing_ok=True)


@dataclass(frozen=True)
class BucketStore:
    """Checkpoints as objects: seen by others only when they are complete."""

    bucket: "Bucket"

    def names(self, key: str) -> list[str]:
        """Return the names that begin with `key`, oldest first."""
        return [item.name for item in self.bucket.objects(f"{key}-")]

    @contextmanager
    def file(self, name: str) -> Iterator[Path]:
        """Yield a copy of the object of that name, removed afterwards."""
        (item,) = [item for item in self.bucket.objects(name) if item.name == name]
        with self.bucket.copy(item) as path:
            yield path

    def keep(self, key: str, name: str, write: Callable[[Path], None]) -> None:
        """Keep what `write` writes to the path it is given, whole or not at all, and remove the others of `key`.

        Raises InputError if the server is gone for SECONDS_TO_KEEP.
        """
        bucket = self.bucket.hurried(SECONDS_TO_KEEP)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            write(path)
            bucket.write(name, path)
        for other in bucket.objects(f"{key}-"):
            if other.name != name:
                bucket.remove(other.name)


Store = FolderStore | BucketStore


def open_store(place: str | Path) -> Store | None:
    """Return the store at `place`, a folder or minio://bucket/prefix; None if `place` is "": keep no checkpoints."""
    if not str(place):
        return None
    if is_address(str(place)):
        return BucketStore(open_bucket(VARIABLE, str(place)))
    return FolderStore(Path(place))


def checkpoint_place() -> str:
    """Return where the environment variable GANSWEEP_CHECKPOINTS wants checkpoints; "" = nowhere."""
    return os.environ.get(VARIABLE, "")
