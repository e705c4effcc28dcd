"""Replicates of an arm that several processes share out among themselves."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.contracts.files import read_json, write_json


@dataclass(frozen=True)
class SharedWork:
    """A folder in which each replicate is claimed by one process, which tells there how far it is and what it found."""

    folder: Path
    replicates: int

    def claims(self) -> Iterator[int]:
        """Yield replicates that are this process's to train, until none is left."""
        for replicate in range(self.replicates):
            try:
                # A link comes into being with its content: a claim is never seen without its process.
                self._claim(replicate).symlink_to(str(os.getpid()))
            except FileExistsError:
                continue
            yield replicate

    def claimed_by(self) -> list[int]:
        """Return the numbers of the processes that have claimed replicates, one a replicate."""
        return [int(path.readlink().name) for path in map(self._claim, range(self.replicates)) if path.is_symlink()]

    def tell(self, replicate: int, epochs: int) -> None:
        """Say that so many epochs of a replicate are done."""
        path = self._epochs(replicate)
        path.touch()
        os.truncate(path, epochs)  # a size changes in one step

    def epochs(self) -> int:
        """Return how many epochs of all replicates are done."""
        return sum(path.stat().st_size for path in map(self._epochs, range(self.replicates)) if path.exists())

    def leave(
        self, replicate: int, about: dict[str, Any], synthetic_per_class: dict[str, int], validation: np.ndarray
    ) -> None:
        """Leave what is to be said of a replicate, and class probabilities of its validation rows (float32, n x C)."""
        np.save(self.folder / f"{replicate}.npy", validation, allow_pickle=False)
        write_json(self.folder / f"{replicate}.json", [about, synthetic_per_class])

    def found(self, replicate: int) -> tuple[dict[str, Any], dict[str, int], np.ndarray]:
        """Return what was left of a replicate."""
        about, synthetic_per_class = read_json(self.folder / f"{replicate}.json")
        return about, synthetic_per_class, np.load(self.folder / f"{replicate}.npy", allow_pickle=False)

    def fail(self, error: Exception) -> None:
        """Say why this process can't go on; the first that fails is heard."""
        about = {"kind": type(error).__name__, "reason": str(error)}
        if not self._failure().exists():
            write_json(self._failure(), about)

    def failure(self) -> tuple[str, str] | None:
        """Return the name of the error that a process has ended with, and its reason; None if none has told of one."""
        if not self._failure().exists():
            return None
        about = read_json(self._failure())
        return about["kind"], about["reason"]

    def _claim(self, replicate: int) -> Path:
        return self.folder / f"{replicate}.claim"

    def _epochs(self, replicate: int) -> Path:
        return self.folder / f"{replicate}.epochs"

    def _failure(self) -> Path:
        return self.folder / "failure.json"
