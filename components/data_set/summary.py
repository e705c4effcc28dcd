"""Joins what the folders and the table say about each image, and says what was understood and what was not."""

from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import Any

from components.contracts.errors import InputError
from components.data_set.columns import MOST_NAMED
from components.data_set.facts import MOST_UNMATCHED, Fact, Facts
from components.data_set.files import ImageFile
from components.data_set.layout import Layout, refuse_twins
from components.data_set.words import count, first_of, shown


@dataclass(frozen=True)
class TableSummary:
    """How a table was understood.

    `columns` names the columns in use by role (image, label, group, split, subgroups), `unused` the others. Of `rows`,
    `unmatched_rows` name no image; of `images` files, `unlisted_images` stand in no row.
    """

    name: str
    columns: dict[str, list[str]]
    unused: tuple[str, ...]
    rows: int
    unmatched_rows: int
    images: int
    unlisted_images: int

    def to_json(self) -> dict[str, Any]:
        """Return it for the data report."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return it in lines for the terminal."""
        uses = "; ".join(
            f"{role} = {shown(', '.join(names[:5]))}{', ...' if len(names) > 5 else ''}"
            for role, names in self.columns.items()
        )
        more = f", ... ({len(self.unused):,} columns)" if len(self.unused) > MOST_NAMED else ""
        unused = f"; not used: {shown(', '.join(self.unused[:MOST_NAMED]))}{more}" if self.unused else ""
        return [
            f"table {self.name}: {uses}{unused}",
            f"table: {self.rows - self.unmatched_rows:,} of {count(self.rows, 'row')} name an image, "
            f"{self.images - self.unlisted_images:,} of {count(self.images, 'image')} are listed",
        ]


def summarise(
    layout: Layout, facts: Facts | None
) -> tuple[tuple[ImageFile, ...], TableSummary | None, tuple[str, ...]]:
    """Return the files of a data set with all that is known of them, how the table was understood, and warnings.

    Where folders are classes or splits the table's columns of these aren't used, unless table_columns names them.
    Raises InputError where folders and table contradict each other, or where too few images have a label.
    """
    files = [
        ImageFile(item.file.path, item.label, item.split, item.file.refused, item.file.size, item.file.version)
        for item in layout.files
    ]
    if facts is None:
        return tuple(files), None, ()
    images = [item.file.path for item in layout.files if item.file.may_be_image]
    unlisted = [path for path in images if path not in facts.by_path]
    warnings = list(facts.warnings)
    if facts.unmatched_rows:
        warnings.append(f"{count(facts.unmatched_rows, 'row')} of no image of the data set: {facts.unmatched}")
    unused = {}
    if not layout.has_classes:
        files, said = _labelled(facts, files, unlisted, len(images))
    else:
        if unlisted:
            warnings.append(f"{count(len(unlisted), 'image')} that no row names: {first_of(unlisted)}")
        said = _compared(facts, files)
        unused["label"] = facts.columns.get("label", [])
    warnings += said
    known = _with_splits(facts, files)
    if known is None:
        unused["split"] = facts.columns.get("split", [])
    else:
        files, said = known
        warnings += said
    nothing = Fact(subgroups=("",) * len(facts.subgroups))
    files = [
        replace(file, group=fact.group, subgroups=fact.subgroups)
        for file in files
        for fact in (facts.by_path.get(file.path, nothing),)
    ]
    warnings += _large_group(facts, files)
    summary = TableSummary(
        name=facts.table,
        columns={role: names for role, names in facts.columns.items() if role not in unused},
        unused=(*(name for names in unused.values() for name in names), *facts.unused),
        rows=facts.rows,
        unmatched_rows=facts.unmatched_rows,
        images=len(images),
        unlisted_images=len(unlisted),
    )
    return tuple(files), summary, tuple(f"table: {line}" for line in warnings)


def _labelled(
    facts: Facts, files: list[ImageFile], unlisted: list[str], total: int
) -> tuple[list[ImageFile], list[str]]:
    """Return the files that the table gives one label, and what to say of the others."""
    if len(unlisted) > MOST_UNMATCHED * total:
        raise InputError(
            f"table: {facts.table}: {len(unlisted):,} of {total:,} images no row names, so they have no label "
            f"({first_of(unlisted)}); add them or move them out of the data set"
        )
    none: list[str] = []
    several: Counter[str] = Counter()
    kept = []
    for file in files:
        labels = facts.by_path[file.path].labels if file.path in facts.by_path else None
        if labels is None:
            continue
        if len(labels) == 1:
            kept.append(replace(file, label=labels[0]))
        elif labels:
            several[" and ".join(labels)] += 1
        else:
            none.append(file.path)
    said = []
    if unlisted:
        said.append(f"left out {count(len(unlisted), 'image')} that no row names: {first_of(unlisted)}")
    if none:
        said.append(f"left out {count(len(none), 'image')} without a label: {first_of(none)}")
    if several:
        kinds = first_of(f"{labels} ({number:,})" for labels, number in several.most_common())
        said.append(f"left out {count(several.total(), 'image')} with several labels: {kinds}")
    refuse_twins({file.label for file in kept}, facts.table)
    if not kept:
        raise InputError(f"table: {facts.table}: gives no image a label of its own; {'; '.join(said)}")
    return kept, said


def _compared(facts: Facts, files: list[ImageFile]) -> list[str]:
    """Compare the folders' classes with the table's labels; raises InputError if they are the same but disagree."""
    if "label" not in facts.columns:
        return []
    pairs = [(file, facts.by_path[file.path].labels) for file in files if file.path in facts.by_path]
    classes = {file.label.casefold() for file in files}
    said = {label.casefold() for _, labels in pairs for label in labels}
    columns = shown(", ".join(facts.columns["label"]))
    if not said <= classes:
        return [
            f'classes come from the folders; column {columns} is not used (table_columns={{"label": "{columns}"}} '
            "takes it)"
        ]
    differ = [(file, labels[0]) for file, labels in pairs if labels and labels[0].casefold() != file.label.casefold()]
    if differ:
        file, label = differ[0]
        raise InputError(
            f"table: {facts.table}: {count(len(differ), 'image')} in the folder of another class than column "
            f"{columns} says: {shown(file.path)} is '{shown(label)}' there; mend one, or set "
            f'table_columns={{"label": "{columns}"}} to go by the table, or {{"label": ""}} to go by the folders'
        )
    return []


def _with_splits(facts: Facts, files: list[ImageFile]) -> tuple[list[ImageFile], list[str]] | None:
    """Return the files with the table's split where it counts, and what to say; None where the folders' counts."""
    if "split" not in facts.columns or (any(file.split for file in files) and "split" not in facts.named):
        return None
    found = {path: fact.split for path, fact in facts.by_path.items()}
    without = [file.path for file in files if not (found.get(file.path) or file.split)]
    said = []
    if without:
        said.append(f"{count(len(without), 'image')} without a split join what is learnt from: {first_of(without)}")
    return [replace(file, split=found.get(file.path) or file.split or "train") for file in files], said


def _large_group(facts: Facts, files: list[ImageFile]) -> list[str]:
    sizes = Counter(file.group for file in files if file.group)
    for group, size in sizes.most_common(1):
        if size > len(files) / 2 and len(files) > 2:
            columns = shown(", ".join(facts.columns["group"]))
            return [
                f"{size:,} of {count(len(files), 'image')} are one group ('{shown(group)}'); do {columns} tell "
                "patients or lesions? if not, choose the columns by table_columns"
            ]
    return []
