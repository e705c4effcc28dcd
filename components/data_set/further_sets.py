"""Sets of images beside the data set, synthetic or external: where one lies, and how it is listed.

An address, a folder or minio://, or where a table holds the labels {images: ADDRESS, table: FILE, table_columns: {...}}
with keys as the parameters `table` and `table_columns`; both are laid out as data sets may be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from components.contracts.errors import InputError
from components.data_set.data_set import DataSet, open_data_set
from components.data_set.words import shown

EXPECTED = 'give a folder or minio:// address, or {"images": "...", "table": "...", "table_columns": {...}}'


@dataclass(frozen=True)
class SetAddress:
    """Where a set lies: its images, and the table of their labels where folders aren't classes."""

    images: str
    table: str = ""
    table_columns: dict[str, Any] = field(default_factory=dict)


def set_address(where: str, given: Any) -> SetAddress:
    """Take a set as a user writes it; raises InputError, which begins with `where`, if it can't be one."""
    parts = {"images": given} if isinstance(given, str) else given
    if not isinstance(parts, dict) or not parts.get("images"):
        raise InputError(f"{where}: {EXPECTED}")
    kinds = {"images": str, "table": str, "table_columns": dict}
    for key, value in parts.items():
        if not isinstance(value, kinds.get(key, ())):
            raise InputError(f"{where}: {shown(str(key))}: {shown(repr(value))}; {EXPECTED}")
    return SetAddress(**parts)


def open_set(where: str, option: str, given: SetAddress, classes: Sequence[str]) -> DataSet:
    """List a set; raises InputError, which begins with `where`, if it is missing or has a class that is none of these.

    `option` is how a set is named on the command line: a table can be added to it.
    """
    try:
        data_set = open_data_set(given.images, given.table, given.table_columns)
    except InputError as error:
        said = str(error).removeprefix("data_set: ")
        raise InputError(f"{where}: {said.replace('--set table=', f'{option}={given.images},table=')}") from None
    foreign = [shown(label) for label in data_set.classes if label not in classes]
    if foreign:
        names = ", ".join(f"'{label}'" for label in foreign)
        few = len(foreign) == 1
        raise InputError(
            f"{where}: {shown(data_set.address)}: {'class' if few else 'classes'} {names} {'is' if few else 'are'} "
            f"none of the data set's ({', '.join(map(shown, classes))}); rename or remove "
            f"{'its folder' if few else 'their folders'}"
        )
    return data_set
