"""Which column of a table is what: by its usual name in any spelling, or as `table_columns` says, never by place."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from components.contracts.errors import InputError
from components.contracts.imageset import COLUMNS as TAKEN
from components.data_set.table import Table
from components.data_set.words import shown

# Usual names, without case, blanks and marks; where several are there, the first is taken (of groups all are: images
# that share any of them belong together).
USUAL = {
    "image": [
        "image", "imageid", "imagename", "imagefile", "imagefilename", "imagepath", "imageindex", "isicid", "filename",
        "file", "filepath", "imgid", "img", "imgname", "imgpath", "path", "picture", "photo", "idcode", "id", "name",
    ],
    "label": [
        "label", "labels", "class", "classname", "category", "benignmalignant", "dx", "diagnosis", "diagnosis1",
        "target", "findinglabels", "findinglabel", "finding", "grade", "pathology",
    ],
    "group": [
        "patient", "patientid", "patientnumber", "patientname", "subject", "subjectid", "participant", "participantid",
        "person", "personid", "individual", "case", "caseid", "group", "groupid", "study", "studyid",
        "studyinstanceuid", "lesion", "lesionid", "mole", "moleid",
    ],
    "split": ["split", "fold", "set", "subset", "partition"],
}  # fmt: skip
MOST_NAMED = 30  # columns of many that a message lists
NOTHING = {
    "", "nan", "none", "na", "n/a", "<na>", "null", "nat", "nil", "unknown", "unk", "missing", "not available", "-1",
    "-1.0", "-", "--", "?", ".",
}  # fmt: skip
NO_LABEL = {"", "nan", "na", "n/a", "<na>", "null", "?"}  # "none" and "unknown" may be classes
# Cells of columns that each stand for a class; an empty one says nothing for it.
BITS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1, **dict.fromkeys(("", "nan", "na"), 0)}
_ROLES = ("image", "label", "group", "split", "subgroups")


@dataclass(frozen=True)
class Subgroup:
    """A column to report by: its name, its number in the table, and how numbers are cut ("40,60", "q4", "")."""

    name: str
    column: int
    cut: str


@dataclass(frozen=True)
class Columns:
    """The numbers of a table's columns by what they hold.

    `labels` is one column of labels, or several of which each says by 0 or 1 whether an image is of that class
    (one-hot); `named` are the roles that `table_columns` gave.
    """

    image: int
    labels: tuple[int, ...]
    groups: tuple[int, ...]
    split: int | None
    subgroups: tuple[Subgroup, ...]
    named: frozenset[str]

    @property
    def one_hot(self) -> bool:
        """Whether the labels stand in a column a class."""
        return len(self.labels) > 1


def find_columns(table: Table, wanted: dict[str, Any], matches: Callable[[int], int]) -> Columns:
    """Find out which column of `table` is what; `wanted` is the parameter table_columns.

    `matches` tells how many images of the data set a column names: of several with usual names, that which names most
    is taken. Raises InputError, listing the columns, if none has a usual name, or one that was named isn't there.
    """
    check_wanted(wanted)

    def given(role: str) -> list[int] | None:
        if role not in wanted:
            return None
        texts = wanted[role] if isinstance(wanted[role], list) else [wanted[role]]
        return [_named(table, text) for text in texts if text]

    def usual(role: str) -> list[int]:
        plain = [_plain(name) for name in table.header]
        return [number for name in USUAL[role] for number, there in enumerate(plain) if there == name]

    images = given("image") or usual("image")
    if not images:
        raise InputError(
            f"table: {table.name}: no column has a usual name for images (image, image_id, filename, path, ...); "
            f'say which it is, table_columns={{"image": "..."}}; there are: {_header(table)}'
        )
    image = max(images, key=matches)
    groups, labels, splits = given("group"), given("label"), given("split")
    if groups is None:
        groups = usual("group")
    if labels is None:
        known = [number for number in usual("label") if _tells_apart(table, number)]
        labels = known[:1] or _one_hot(table, {image, *groups, *usual("split"), *usual("label")})
    if splits is None:
        splits = usual("split")
    subgroups = tuple(_subgroup(table, text) for text in wanted.get("subgroups", []))
    if not (labels or groups or splits or subgroups):
        raise InputError(
            f"table: {table.name}: no column has a usual name for labels (label, dx, diagnosis, ...), groups "
            f'(patient_id, lesion_id, ...) or splits (split); say which it is, table_columns={{"group": '
            f'["..."]}}; there are: '
            f"{_header(table)}{_hint(table, {image})}"
        )
    return Columns(image, tuple(labels), tuple(groups), next(iter(splits), None), subgroups, frozenset(wanted))


def check_wanted(wanted: dict[str, Any]) -> None:
    """Refuse a value of table_columns that isn't of the right shape (InputError)."""
    for role, value in wanted.items():
        if role not in _ROLES:
            raise InputError(f"table_columns: there is no '{shown(str(role))}'; it may name {', '.join(_ROLES)}")
        several = role in ("label", "group", "subgroups")
        if not isinstance(value, str) and not (several and isinstance(value, list)):
            kind = "a name or a list of names" if several else "one name"
            raise InputError(f"table_columns: {role} takes {kind} of columns, not {value!r}")
        if isinstance(value, list) and not all(isinstance(name, str) for name in value):
            raise InputError(f"table_columns: {role} takes names as text; write numbers between quotes: {value!r}")
    if isinstance(wanted.get("subgroups"), str):
        raise InputError(f'table_columns: write subgroups as a list, ["{shown(wanted["subgroups"])}"]')


def is_nothing(cell: str) -> bool:
    """Whether a cell says that nothing is known: empty, nan, None, NA, unknown, -1, ..."""
    return cell.casefold() in NOTHING


def _subgroup(table: Table, text: str) -> Subgroup:
    name, _, cut = (text, "", "") if text in table.header else text.partition(":")
    if cut and not re.fullmatch(r"q[2-9]|-?\d+(\.\d+)?(,-?\d+(\.\d+)?)*", cut.replace(" ", "")):
        raise InputError(
            f"table_columns: subgroups: '{shown(text)}' is cut neither at edges ('age:40,60') nor into equal parts "
            "('age:q4')"
        )
    number = _named(table, name)
    if table.header[number] in TAKEN:
        raise InputError(
            f"table_columns: subgroups: a column may not be called {table.header[number]}, as one of every image set "
            "is; rename it in the table"
        )
    return Subgroup(table.header[number], number, cut.replace(" ", ""))


def _named(table: Table, text: str) -> int:
    exact = [number for number, name in enumerate(table.header) if name == text.strip()]
    numbers = exact or [number for number, name in enumerate(table.header) if _plain(name) == _plain(text)]
    if len(numbers) != 1:
        how_many = "two columns are" if numbers else "no column is"
        raise InputError(f"table_columns: {table.name}: {how_many} called '{shown(text)}'; there are: {_header(table)}")
    return numbers[0]


def _tells_apart(table: Table, number: int) -> bool:
    return len({cell for cell in table.column(number) if cell.casefold() not in NO_LABEL}) > 1


def _one_hot(table: Table, taken: set[int]) -> list[int]:
    """Return the columns of zeros and ones that say one class a row, [] if there are none such.

    A few rows may say none or several (those images are left out later); columns of nothing but zeros belong to them.
    """
    columns = _columns_of_bits(table, taken)
    used = [number for number in columns if any(BITS[cell.casefold()] for cell in table.column(number))]
    return columns if len(used) > 1 and _share_of_one(table, columns) >= 0.9 else []


def _columns_of_bits(table: Table, taken: set[int]) -> list[int]:
    return [
        number
        for number, name in enumerate(table.header)
        if number not in taken and name and all(cell.casefold() in BITS for cell in table.column(number))
    ]


def _share_of_one(table: Table, columns: list[int]) -> float:
    """Return the share of rows that say exactly one of the columns."""
    single = sum(sum(BITS[row[number].casefold()] for number in columns) == 1 for row in table.rows)
    return single / len(table.rows)


def _hint(table: Table, taken: set[int]) -> str:
    """Say why columns of zeros and ones aren't taken for classes, where there are such."""
    columns = _columns_of_bits(table, taken)
    if len(columns) < 2:
        return ""
    names = shown(", ".join(table.header[number] for number in columns[:5]))
    return (
        f"; {names} hold 0 and 1, but only {_share_of_one(table, columns):.0%} of the rows have a single 1: add a "
        'column for the other images, or choose the columns by table_columns={"label": [...]}'
    )


def _header(table: Table) -> str:
    names = shown(", ".join(name or "(no name)" for name in table.header[:MOST_NAMED]))
    return names + (f", ... ({len(table.header):,} columns)" if len(table.header) > MOST_NAMED else "")


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
