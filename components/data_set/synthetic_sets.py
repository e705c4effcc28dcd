"""The user's own synthetic images: the parameter `synthetic_sets`, listed and checked before any is read.

    synthetic_sets: {diffusion: sets/diffusion, simulator: [sets/run-1, minio://bucket/run-2]}
    synthetic_sets: {vendor: {images: bought, table: bought/labels.csv, table_columns: {label: finding}}}

Each name is a source. Its addresses, folders or minio:// with a folder of images a class or with a table that holds
their labels, laid out as data sets may be, are as many draws of its generator: the first is generator `NAME-0`, the
next `NAME-1`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.contracts.arms import GAN, RESERVED, SOURCE_NAME, Arm
from components.contracts.errors import InputError
from components.data_set.checks import listed_warnings
from components.data_set.data_set import DataSet
from components.data_set.further_sets import EXPECTED, SetAddress, open_set, set_address
from components.data_set.words import shown


@dataclass(frozen=True)
class SyntheticSet:
    """One draw of a source, listed: number `number` of the source `name`."""

    name: str
    number: int
    data_set: DataSet

    @property
    def generator(self) -> str:
        """The name of its generator, as synthetic sets have it in their groups."""
        return f"{self.name}-{self.number}"

    def count(self, label: str) -> int:
        """Return the number of files of a class that may be images."""
        return sum(file.label == label and not file.refused for file in self.data_set.files)

    def understood(self) -> list[str]:
        """Return lines that say how the set and its table were understood."""
        table = self.data_set.table.lines() if self.data_set.table else []
        return [f"{self.generator}: {line}" for line in (self.data_set.contents(), *table)]

    def warnings(self) -> list[str]:
        """Return what deserves a look before any picture is read."""
        return [f"{self.generator}: {line}" for line in listed_warnings(self.data_set)]


def addresses_of(synthetic_sets: dict[str, Any]) -> dict[str, list[SetAddress]]:
    """Return the addresses of each source; raises InputError for names and values that can't be."""
    found = {}
    for name, given in synthetic_sets.items():
        if not isinstance(name, str) or not SOURCE_NAME.fullmatch(name) or name.lower() in (GAN, *RESERVED):
            raise InputError(
                f"synthetic_sets: '{shown(str(name))}' can't name a source; take letters, digits and _, a letter "
                f"first, and none of {GAN}, {', '.join(RESERVED)}"
            )
        draws = given if isinstance(given, list) else [given]
        addresses = [set_address(f"synthetic_sets: {name}", one) for one in draws]
        if not addresses:
            raise InputError(f"synthetic_sets: {name}: {EXPECTED}, or a list of these")
        if any(one in addresses[:place] for place, one in enumerate(addresses)):
            raise InputError(f"synthetic_sets: {name}: an address stands there twice; each is a draw of its own")
        found[name] = addresses
    return found


def open_synthetic_sets(synthetic_sets: dict[str, Any], classes: Sequence[str]) -> list[SyntheticSet]:
    """List all sets, by name and draw: Kubeflow hands parameters over in any order.

    Raises InputError for one that is missing, or whose classes are not those of the data set.
    """
    opened = []
    for name, addresses in sorted(addresses_of(synthetic_sets).items()):
        for number, one in enumerate(addresses):
            data_set = open_set(f"synthetic_sets: {name}", f"--synthetic {name}", one, classes)
            lacking = [shown(label) for label in classes if label not in data_set.classes]
            if lacking:
                where = f"synthetic_sets: {name}: {shown(data_set.address)}"
                raise InputError(f"{where}: has no images of class '{lacking[0]}', which the data set has; add some")
            opened.append(SyntheticSet(name, number, data_set))
    return opened


def check_sources(arms: Sequence[Arm], names: Sequence[str]) -> None:
    """Refuse arms whose source is neither the GANs nor one of these names; raises InputError."""
    for arm in arms:
        if arm.uses_synthetic and arm.source not in (GAN, *names):
            known = ", ".join([GAN, *sorted(names)])
            raise InputError(
                f"arms: '{arm.name}': there is no source '{arm.source}'; known are {known}; name its images with "
                f"--synthetic {arm.source}=FOLDER"
            )


def check_arms(
    arms: Sequence[Arm], sets: Sequence[SyntheticSet], classes: Sequence[str], learnt_from: Sequence[int]
) -> None:
    """Refuse arms whose source is too small by its list of files; raises InputError naming both.

    `learnt_from` are the real images of each class that a training learns from.
    """
    for arm in arms:
        for one in sets:
            if one.name != arm.source:
                continue
            there = [one.count(label) for label in classes]
            for label, wanted, count in zip(classes, arm.synthetic_counts(learnt_from, there), there, strict=True):
                if wanted > count:
                    raise InputError(
                        f"arms: '{arm.name}' wants {wanted:,} images of {shown(label)}, {shown(one.data_set.address)} "
                        f"has {count:,}; ask for fewer, or add images to the set"
                    )
