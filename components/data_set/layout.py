"""How a data set is laid out: which folders are splits, which are classes, and what looks unlike what is meant."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from components.contracts.errors import InputError
from components.data_set.listing import Found, Listing, is_archive
from components.data_set.names import is_image_name
from components.data_set.odd_names import odd_names
from components.data_set.words import count, first_of, shown

# Words for the parts of a data set, in any capitals; validation images are part of what may be learnt from.
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trn", "development", "dev"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate"), "val"),
    **dict.fromkeys(("test", "testing", "tst", "holdout"), "test"),
}
_FOLDER_WORDS = {
    word: split for word, split in SPLIT_WORDS.items() if word not in ("trn", "tst", "development", "dev", "holdout")
}
_SPLIT_SUFFIX = re.compile(r"[ _-]?(set|data|dataset|images?|imgs?|samples?)$")
_PART = re.compile(r"(.*?)[ _-]?\d+$")
_PART_WORDS = re.compile(
    r"(part|image|batch|chunk|folder|archive|shard|subset|fold|volume|disk|site|cent(er|re)|clinic|hospital|patient|case)s?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Placed:
    """One file and what its folders say: its class and its split (train, test or "")."""

    file: Found
    label: str
    split: str


@dataclass(frozen=True)
class Layout:
    """All files, whether folders are classes (else `label` is "" and a table must say it), and what deserves a look."""

    files: tuple[Placed, ...]
    has_classes: bool
    warnings: tuple[str, ...]


class Tree:
    """A listing by its folders; "" is the data set itself."""

    def __init__(self, listing: Listing) -> None:
        self.files = listing.files
        self._children: defaultdict[str, list[str]] = defaultdict(list)
        self._direct: defaultdict[str, list[Found]] = defaultdict(list)
        for folder in sorted(listing.folders):
            parent, _, name = folder.rpartition("/")
            self._children[parent].append(name)
        for file in listing.files:
            self._direct[file.path.rpartition("/")[0]].append(file)

    def children(self, folder: str) -> list[str]:
        """Return the names of the folders directly in one."""
        return self._children[folder]

    def direct(self, folder: str) -> list[Found]:
        """Return the files directly in a folder."""
        return self._direct[folder]

    def has_images(self, folder: str) -> bool:
        """Whether files that may be images lie directly in a folder."""
        return any(file.may_be_image for file in self.direct(folder))

    def below(self, folder: str) -> list[Found]:
        """Return all files in a folder, at any depth."""
        found, waiting = [], [folder]
        while waiting:
            current = waiting.pop()
            found += self.direct(current)
            waiting += [f"{current}/{name}".strip("/") for name in self.children(current)]
        return found


def lay_out(where: str, listing: Listing, *, has_table: bool, labelled: bool, label_named: bool) -> Layout:
    """Tell splits and classes by the folders of a data set; `where` is its address, for messages.

    `has_table` says that there is a table, `labelled` that it holds labels: then folders needn't be classes. They
    aren't where `label_named` says that the table's labels were asked for, nor where they are none or one, or parts
    (images_001, images_002). Raises InputError where the folders are neither, or look like something else than they
    would be taken for.
    """
    tree = Tree(listing)
    tops = tree.children("")
    splits = {name: split for name in tops if (split := _split_of(name))}
    if splits and "train" not in splits.values() and labelled:
        splits = {}
    bases = _bases(where, tops, splits)
    warnings = [*listing.warnings, *odd_names(listing)]
    if splits:
        warnings += [*_loose(tree, ""), *_beside_splits(where, tree, [name for name in tops if name not in splits])]
    if splits and (validation := [name for name, split in splits.items() if split == "val"]):
        number = sum(file.path.startswith(f"{name}/") for name in validation for file in listing.files)
        warnings.append(f"{count(number, 'image')} of {validation[0]}/ join what is learnt from")
    children = {base: tree.children(base) for base in bases}
    if labelled and (label_named or all(_no_classes(names) for names in children.values())):
        placed = [Placed(file, "", split) for base, split in bases.items() for file in tree.below(base)]
        images = [item for item in placed if item.file.may_be_image]
        if not images:
            raise InputError(f"data_set: {where}: holds no images")
        return Layout(_sorted(images), False, tuple(warnings))
    placed = []
    for base, split in bases.items():
        _refuse_odd_classes(where, tree, base, children[base], has_table, labelled)
        warnings += _loose(tree, base)
        for name in children[base]:
            folder = f"{base}/{name}".strip("/")
            files = tree.below(folder)
            if not files:
                raise InputError(f"data_set: {where}/{shown(folder)}: holds no images; fill or remove it")
            placed += [Placed(file, name, split) for file in files]
    refuse_twins({item.label for item in placed}, where)
    tables = [file.path for file in listing.files if re.fullmatch(r"[^/]+\.(csv|tsv)", file.path, re.IGNORECASE)]
    if tables and not has_table:
        warnings.append(f"{first_of(tables)} beside the folders is not read, unless it is given as table")
    archives = [file.path for file in listing.files if "/" not in file.path and is_archive(file.path)]
    if archives:
        warnings.append(f"{first_of(archives)} beside the folders is not read; if it holds more images, unpack it")
    return Layout(_sorted(placed), True, tuple(warnings))


def _bases(where: str, tops: list[str], splits: dict[str, str]) -> dict[str, str]:
    """Return the folders that hold the classes, with the split of each."""
    if not splits:
        return {"": ""}
    if "train" not in splits.values():
        raise InputError(
            f"data_set: {where}: has {next(iter(splits))}/ but no train/; put what may be learnt from into train/"
        )
    for split in ("train", "test", "val"):
        named = [name for name in splits if splits[name] == split]
        if len(named) > 1:
            raise InputError(f"data_set: {where}: {named[0]}/ and {named[1]}/ both mean {split}/; make them one")
    return {name: "test" if split == "test" else "train" for name, split in splits.items()}


def _split_of(name: str) -> str:
    """Return the split that a folder's name means (Train, test_set, "Validation Data"), "" for none."""
    return _FOLDER_WORDS.get(name.casefold()) or _FOLDER_WORDS.get(_SPLIT_SUFFIX.sub("", name.casefold()), "")


def _beside_splits(where: str, tree: Tree, others: list[str]) -> list[str]:
    """Refuse folders of images beside train/ and test/, and say which others are passed over."""
    for name in others:
        if any(file.may_be_image for file in tree.below(name)):
            raise InputError(
                f"data_set: {where}/{shown(name)}: stands beside train/; move its images into train/ or out"
            )
    return [f"passed over what holds no images beside train/: {first_of(others)}"] * bool(others)


def _refuse_odd_classes(where: str, tree: Tree, base: str, names: list[str], has_table: bool, labelled: bool) -> None:
    """Refuse folders that would be taken for classes and are none."""
    place = f"{where}/{base}".rstrip("/")
    if not names:
        images = [file.path for file in tree.below(base) if is_image_name(file.path)]
        archive = next((file.path for file in tree.files if is_archive(file.path)), "")
        if archive:
            raise InputError(f"data_set: {where}/{shown(archive)}: is an archive; unpack it")
        if images:
            raise InputError(
                f"data_set: {place}: holds {count(len(images), 'image')} but no folder of a class; expected one folder "
                f"a class, or {_labels_from(where, tree, has_table)}"
            )
        if base:
            raise InputError(f"data_set: {place}: holds no folder of a class; fill or remove it")
        raise InputError(f"data_set: {place}: holds no images; expected one folder a class, with images inside")
    loose = tree.has_images(base)
    if len(names) == 1 and not loose:
        _refuse_wrapping(where, tree, base, names[0])
    lower = {name.casefold() for name in names}
    for name in names:
        folder, inner = _unwrapped(tree, f"{base}/{name}".strip("/"))
        same = [child for child in inner if child.casefold() in lower - {name.casefold()}]
        if same and not tree.has_images(folder):
            raise InputError(
                f"data_set: {where}/{shown(folder)}: holds folders called like those beside it ({first_of(inner)}), so "
                "it is no class but a copy or a result; move it out of the data set"
            )
        if same:
            raise InputError(
                f"data_set: {where}/{shown(folder)}: holds images and a folder called like another class "
                f"({first_of(same)}); move that to the others of its class, or out"
            )
        if {"train", "test"} <= {_split_of(child) for child in inner}:
            raise InputError(
                f"data_set: {where}/{shown(folder)}: holds {first_of(inner)}; put train/ and test/ above the folders "
                "of the classes, not below"
            )
    if not labelled and len(names) > 1 and _no_classes(names):
        raise InputError(
            f"data_set: {place}: its folders ({first_of(names)}) are parts of one collection, not classes; give "
            f"{_labels_from(where, tree, has_table)}"
        )


def _unwrapped(tree: Tree, folder: str) -> tuple[str, list[str]]:
    """Return the folder, or the one that it wraps alone, at any depth, and the folders in it."""
    inner = tree.children(folder)
    while len(inner) == 1 and not tree.direct(folder):
        folder = f"{folder}/{inner[0]}"
        inner = tree.children(folder)
    return folder, inner


def _loose(tree: Tree, base: str) -> list[str]:
    """Say which images lie in a folder that holds classes or splits, so that they are left out."""
    loose = [file.path for file in tree.direct(base) if is_image_name(file.path)]
    beside = f"in {base}/" if base else "at the top"
    return [f"left out {count(len(loose), 'image')} {beside}, in no folder of a class: {first_of(loose)}"] * bool(loose)


def _labels_from(where: str, tree: Tree, has_table: bool) -> str:
    """Return where the labels may come from: a column of the table, else the table that lies there, or any."""
    if has_table:
        return 'the column of the table that holds the labels: table_columns={"label": "..."}'
    tables = [file.path for file in tree.files if file.path.casefold().endswith((".csv", ".tsv"))]
    found = f"{where}/{shown(tables[0])}" if tables else "TABLE.csv"
    return f"a table that holds the labels: --set table={found}"


def _refuse_wrapping(where: str, tree: Tree, base: str, name: str) -> None:
    """Refuse a single folder that holds the folders of the data set: name the one to give."""
    folder = f"{base}/{name}".strip("/")
    inner = tree.children(folder)
    loose = tree.has_images(folder)
    while len(inner) == 1 and not loose:
        folder = f"{folder}/{inner[0]}"
        inner = tree.children(folder)
        loose = tree.has_images(folder)
    if loose or len(inner) < 2:
        return
    if base:
        raise InputError(
            f"data_set: {where}/{base}: the folders of the classes stand in {shown(folder)}/; move them up into {base}/"
        )
    raise InputError(
        f"data_set: {where}: the data set is the folder inside it; give {where}/{shown(folder)} ({first_of(inner)})"
    )


def refuse_twins(labels: Iterable[str], where: str) -> None:
    """Refuse classes, of the folders or the table that `where` names, that look the same but are spelt differently."""
    by_case: defaultdict[str, list[str]] = defaultdict(list)
    for label in sorted(labels):
        by_case[unicodedata.normalize("NFC", label).casefold().strip()].append(label)
    for twins in by_case.values():
        if len(twins) > 1:
            raise InputError(
                f"data_set: {where}: the classes {first_of(map(repr, twins))} differ in nothing but capitals, blanks "
                "or the way accents are stored; give one class one name everywhere"
            )


def _no_classes(names: list[str]) -> bool:
    """Whether folders can't be classes: none, a single one, or the numbered parts of one collection."""
    stems = {match[1].casefold() if (match := _PART.match(name)) else "" for name in names}
    return len(names) < 2 or (len(stems) == 1 and bool(_PART_WORDS.search(stems.pop())))


def _sorted(files: Iterable[Placed]) -> tuple[Placed, ...]:
    return tuple(sorted(files, key=lambda item: item.file.path))
