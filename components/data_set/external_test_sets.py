"""Test sets from elsewhere (another hospital, camera, study): the parameter `external_test_sets`.

    external_test_sets: {hospital_b: sets/b, archive: {images: minio://bucket/archive, table: archive.csv}}

All their images are for testing, however they are laid out. Every arm is evaluated on each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.contracts.arms import SOURCE_NAME
from components.contracts.errors import InputError
from components.data_set.checks import check_files, listed_reasons, listed_warnings
from components.data_set.data_set import DataSet
from components.data_set.further_sets import SetAddress, open_set, set_address
from components.data_set.words import shown


@dataclass(frozen=True)
class ExternalTestSet:
    """One external test set, listed; `lacking` are the classes of the data set that it has no images of."""

    name: str
    data_set: DataSet
    lacking: tuple[str, ...]

    def understood(self) -> list[str]:
        """Return lines that say how the set and its table were understood."""
        lines = [self.data_set.contents(), *(self.data_set.table.lines() if self.data_set.table else [])]
        if self.lacking:
            lines.append(f"no images of {', '.join(map(shown, self.lacking))}: means over the classes leave them out")
        return [f"{self.name}: {line}" for line in lines]

    def warnings(self) -> list[str]:
        """Return what deserves a look before any picture is read."""
        return [f"{self.name}: {line}" for line in listed_warnings(self.data_set)]


def external_addresses(external_test_sets: dict[str, Any]) -> dict[str, SetAddress]:
    """Return where each external test set lies; raises InputError for names and values that can't be."""
    found = {}
    for name, given in external_test_sets.items():
        if not isinstance(name, str) or not SOURCE_NAME.fullmatch(name):
            raise InputError(
                f"external_test_sets: '{shown(str(name))}' can't name a test set; take letters, digits and _, a letter "
                "first"
            )
        found[name] = set_address(f"external_test_sets: {name}", given)
    return found


def open_external_test_sets(
    external_test_sets: dict[str, Any], classes: Sequence[str], positive_class: str, max_bad_share: float
) -> list[ExternalTestSet]:
    """List all external test sets.

    Raises InputError for one that is missing, of other classes, without images of the positive class or of any other
    (nothing could be said of missed disease), or of which too many files can't be used.
    """
    opened = []
    for name, given in external_addresses(external_test_sets).items():
        where = f"external_test_sets: {name}"
        data_set = open_set(where, f"--external {name}", given, classes)
        if positive_class not in data_set.classes or len(data_set.classes) < 2:
            missing = f"'{shown(positive_class)}'" if positive_class not in data_set.classes else "any other class"
            raise InputError(
                f"{where}: {shown(data_set.address)}: has no images of {missing}; to test on it takes images of "
                f"{shown(positive_class)} and of another class"
            )
        check_external_files(name, data_set, listed_reasons(data_set), max_bad_share)
        lacking = tuple(label for label in classes if label not in data_set.classes)
        opened.append(ExternalTestSet(name, data_set, lacking))
    return opened


def external_version(sets: Sequence[ExternalTestSet]) -> str:
    """Return a text that changes with any file of any of the sets."""
    return " ".join(f"{one.name}:{one.data_set.digest()}" for one in sets)


def check_external_files(name: str, data_set: DataSet, reasons: dict[str, str], max_bad_share: float) -> None:
    """Do as `check_files`, in the name of an external test set."""
    try:
        check_files(data_set, reasons, max_bad_share)
    except InputError as error:
        raise InputError(f"external_test_sets: {name}: {str(error).removeprefix('data_set: ')}") from None
