"""The trained generators of a run, by class and replicate."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.contracts.errors import InputError
from components.contracts.files import read_json

FILES = ("gan.json", "losses.csv", "progress.npy")


@dataclass(frozen=True)
class TrainedGan:
    """One generator: its folder, the index of the class it draws, and its replicate."""

    folder: Path
    label: int
    replicate: int

    def seed(self, seed: int) -> int:
        """Return a seed for what belongs to this generator, unlike that of any other of the run's `seed`."""
        return int(np.random.SeedSequence([seed, self.label, self.replicate]).generate_state(1)[0])


def find_gans(folders: Sequence[Path], classes: tuple[str, ...], image_size: int) -> list[TrainedGan]:
    """Read which generator each folder holds; return them in the order of class and replicate.

    A run without GANs has no folders. Raises InputError unless each class has the same
    replicates 0, 1, ..., each once, that draw no larger pictures than `image_size`.
    """
    found: dict[tuple[int, int], TrainedGan] = {}
    if not folders:
        return []
    for folder in folders:
        for file in FILES:
            if not (folder / file).is_file():
                raise InputError(f"{folder / file}: the file is missing; train the generator again")
        about = read_json(folder / "gan.json")
        try:
            name, replicate, size = about["class"], int(about["replicate"]), about["image_size"]
        except KeyError as error:
            raise InputError(f"{folder / 'gan.json'}: has no {error}; train the generator again") from None
        if name not in classes:
            raise InputError(
                f"{folder / 'gan.json'}: class '{name}' is none of the development set's ({', '.join(classes)})"
            )
        if size > image_size:
            raise InputError(
                f"{folder / 'gan.json'}: draws images of {size} x {size}, the development set has {image_size} x "
                f"{image_size}; train it again"
            )
        gan = TrainedGan(folder, classes.index(name), replicate)
        other = found.setdefault((gan.label, gan.replicate), gan)
        if other is not gan:
            raise InputError(f"generators: {folder} and {other.folder} both draw {name}/{replicate}; give one of them")
    replicates = {replicate for _, replicate in found}
    for label, name in enumerate(classes):
        for replicate in range(max(replicates) + 1):
            if (label, replicate) not in found:
                raise InputError(f"generators: the generator of {name}/{replicate} is missing; train it first")
    return [found[cell] for cell in sorted(found)]
