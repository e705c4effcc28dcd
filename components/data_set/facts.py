"""What a table says about the images of a data set: labels, groups, split and subgroups, and what it leaves open."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.contracts.errors import InputError
from components.data_set.columns import BITS, NO_LABEL, Columns, find_columns, is_nothing
from components.data_set.layout import SPLIT_WORDS
from components.data_set.names import Matching, match_names
from components.data_set.subgroups import subgroup_values
from components.data_set.table import Table
from components.data_set.words import count, first_of, shown

# Above this share of both images that no row names and rows that name no image, the names themselves don't fit.
MOST_UNMATCHED = 0.2


@dataclass(frozen=True)
class Fact:
    """What is known of one image; "" where nothing is. `labels` holds more than one where the table names several."""

    group: str = ""
    labels: tuple[str, ...] = ()
    split: str = ""
    subgroups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What a table says: one Fact for each image that it lists, by path.

    `columns` names the columns by role; `unmatched` are the first few names that fit no image, `unmatched_rows` how
    many there are; `warnings` say what else deserves a look.
    """

    table: str
    columns: dict[str, list[str]]
    unused: tuple[str, ...]
    by_path: dict[str, Fact]
    rows: int
    unmatched_rows: int
    unmatched: str
    subgroups: tuple[str, ...]
    named: frozenset[str]
    warnings: tuple[str, ...]

    @property
    def has_labels(self) -> bool:
        """Whether there is a column of labels."""
        return "label" in self.columns


def table_facts(table: Table, wanted: dict[str, Any], paths: Sequence[str]) -> Facts:
    """Return what `table` says about the images at `paths`; `wanted` is the parameter table_columns.

    Raises InputError if columns can't be told, names are ambiguous or fit too few images, or rows contradict each
    other.
    """
    matchings: dict[int, Matching] = {}

    def matches(column: int) -> int:
        matchings[column] = match_names(table.column(column), paths)
        return len(matchings[column])

    columns = find_columns(table, wanted, matches)
    if columns.image not in matchings:
        matches(columns.image)
    matching = matchings[columns.image]
    names = table.column(columns.image)
    _refuse_ambiguous(table, names, matching, paths)
    _refuse_misfit(table, columns, names, matching, paths)
    warnings = []
    if table.short_lines:
        lines = first_of(map(str, table.short_lines))
        warnings.append(f"{count(len(table.short_lines), 'row')} with fewer cells than the header (line {lines})")
    groups = _group_names(table, columns)
    splits, said = _splits(table, columns)
    warnings += said
    values = []
    for subgroup in columns.subgroups:
        cells, lost = subgroup_values(table.column(subgroup.column), subgroup.cut)
        values.append(cells)
        if lost:
            warnings.append(
                f"column {shown(subgroup.name)}: {count(lost, 'cell')} that hold no number count as unknown"
            )
    by_path: dict[str, Fact] = {}
    for number, row in enumerate(matching.rows):
        if row >= 0:
            fact = Fact(
                groups[number],
                _labels(table, columns, number),
                splits[number],
                tuple(cells[number] for cells in values),
            )
            by_path[paths[row]] = _joined(table, number, paths[row], by_path.get(paths[row], fact), fact)
    unmatched = [name for name, row in zip(names, matching.rows, strict=True) if row < 0]
    roles = {
        "image": (columns.image,),
        "label": columns.labels,
        "group": columns.groups,
        "split": () if columns.split is None or not any(splits) else (columns.split,),
        "subgroups": tuple(subgroup.column for subgroup in columns.subgroups),
    }
    used = {number for numbers in roles.values() for number in numbers}
    return Facts(
        table=table.name,
        columns={role: [table.header[n] for n in numbers] for role, numbers in roles.items() if numbers},
        unused=tuple(name for number, name in enumerate(table.header) if number not in used and name),
        by_path=by_path,
        rows=len(table.rows),
        unmatched_rows=len(unmatched),
        unmatched=first_of(unmatched),
        subgroups=tuple(subgroup.name for subgroup in columns.subgroups),
        named=columns.named,
        warnings=tuple(warnings),
    )


def _refuse_ambiguous(table: Table, names: Sequence[str], matching: Matching, paths: Sequence[str]) -> None:
    for number, rows in matching.ambiguous[:1]:
        raise InputError(
            f"table: {table.name}: line {table.lines[number]}: '{shown(names[number])}' names {len(rows)} images, such "
            f"as {shown(paths[rows[0]])} and {shown(paths[rows[1]])}; write the path"
        )


def _refuse_misfit(
    table: Table, columns: Columns, names: Sequence[str], matching: Matching, paths: Sequence[str]
) -> None:
    listed = {row for row in matching.rows if row >= 0}
    unmatched = [name for name, row in zip(names, matching.rows, strict=True) if row < 0]
    column = shown(table.header[columns.image])
    if not listed:
        raise InputError(
            f"table: {table.name}: column {column} names no image of the data set: it holds {first_of(unmatched)}, the "
            f"images are called {first_of(paths)}"
        )
    unlisted = [path for row, path in enumerate(paths) if row not in listed]
    if len(unlisted) > MOST_UNMATCHED * len(paths) and len(unmatched) > MOST_UNMATCHED * len(names):
        raise InputError(
            f"table: {table.name}: column {column} fits only {len(listed):,} of {len(paths):,} images: "
            f"{len(unmatched):,} names fit none ({first_of(unmatched)}), {len(unlisted):,} images no row names "
            f"({first_of(unlisted)}); make the names agree, or leave out the rows of other images"
        )


def _group_names(table: Table, columns: Columns) -> list[str]:
    """Return the group of each row, "" for none: rows that share a value in any group column belong together.

    A group is called by its first value, in the order of the columns (the coarser first). Capitals don't count: to take
    two patients for one costs little, to part one patient's images falsifies the result.
    """
    parent: dict[tuple[int, str], tuple[int, str]] = {}

    def root(value: tuple[int, str]) -> tuple[int, str]:
        path = []
        while parent.setdefault(value, value) != value:
            path.append(value)
            value = parent[value]
        for passed in path:
            parent[passed] = value
        return value

    of_row = []
    written: dict[tuple[int, str], str] = {}
    for row in table.rows:
        cells = [(place, _whole(row[number])) for place, number in enumerate(columns.groups)]
        values = [(place, cell.casefold()) for place, cell in cells if not is_nothing(cell)]
        for value, (_, cell) in zip(values, (pair for pair in cells if not is_nothing(pair[1])), strict=True):
            written.setdefault(value, cell)
        of_row.append(values)
        for value in values[1:]:
            first, second = sorted((root(values[0]), root(value)))
            parent[second] = first
    return [written[root(values[0])] if values else "" for values in of_row]


def _whole(cell: str) -> str:
    """Return 1000.0 as 1000: spreadsheets and data frames write whole numbers so where one of a column is missing."""
    return re.sub(r"^(\d+)\.0+$", r"\1", cell)


def _labels(table: Table, columns: Columns, number: int) -> tuple[str, ...]:
    row = table.rows[number]
    if columns.one_hot:
        return tuple(table.header[column] for column in columns.labels if BITS.get(row[column].casefold()))
    cell = _whole(row[columns.labels[0]]) if columns.labels else ""
    return tuple(part.strip() for part in cell.split("|") if part.strip().casefold() not in NO_LABEL)


def _splits(table: Table, columns: Columns) -> tuple[list[str], list[str]]:
    """Return the split of each row, "train", "test" or "" (unknown), and what there is to say about the column.

    Validation rows are part of what may be learnt from. A column found by its name that holds other words alone, such
    as the numbers of folds, is passed over; one that was named so, or holds both, is refused.
    """
    nothing = [""] * len(table.rows)
    if columns.split is None:
        return nothing, []
    name, cells = shown(table.header[columns.split]), table.column(columns.split)
    words = {cell for cell in cells if not is_nothing(cell)}
    unknown = sorted(word for word in words if word.casefold() not in SPLIT_WORDS)
    if unknown or not words:
        if "split" in columns.named or len(unknown) < len(words):
            raise InputError(f"table: {table.name}: column {name} holds '{first_of(unknown)}'; say train, val or test")
        return nothing, [f"column {name} is not used: it holds {first_of(unknown)}, not train, val and test"]
    found = [SPLIT_WORDS[cell.casefold()] if not is_nothing(cell) else "" for cell in cells]
    validation = found.count("val")
    said = (
        [f"{count(validation, 'row')} of column {name} for validation join what is learnt from"] if validation else []
    )
    return ["train" if split == "val" else split for split in found], said


def _joined(table: Table, number: int, path: str, before: Fact, now: Fact) -> Fact:
    """Return what two rows say about one image; raises InputError where they contradict each other."""

    def one(what: str, first: Any, second: Any) -> Any:
        if first and second and first != second:
            said = [" and ".join(value) if isinstance(value, tuple) else value for value in (first, second)]
            raise InputError(
                f"table: {table.name}: line {table.lines[number]}: {shown(path)} has the {what} '{shown(said[1])}' "
                f"here and '{shown(said[0])}' in another row; keep one"
            )
        return first or second

    return Fact(
        one("group", before.group, now.group),
        one("label", before.labels, now.labels),
        one("split", before.split, now.split),
        tuple(one("subgroup", first, second) for first, second in zip(before.subgroups, now.subgroups, strict=True)),
    )
