"""Which image of a data set each name in a table means."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ENDINGS = {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jp2", ".j2k", ".jpx", ".ppm",
    ".pgm", ".pbm", ".pnm", ".avif", ".heic", ".dcm",
}  # fmt: skip


@dataclass(frozen=True)
class Matching:
    """For each name the number of the path it means, -1 for none; `ambiguous` (name, paths) are those that fit many."""

    rows: tuple[int, ...]
    ambiguous: tuple[tuple[int, tuple[int, ...]], ...]

    def __len__(self) -> int:
        """How many names mean one image."""
        return sum(row >= 0 for row in self.rows)


def match_names(names: Sequence[str], paths: Sequence[str]) -> Matching:
    """Match names in a table with the paths of a data set.

    Case and endings don't count, neither does which way slashes lean. A name means the path that ends with it ("1" or
    "benign/1.jpg"), or the path that it ends with itself ("C:\\data\\benign\\1.jpg"); else, where its folders are
    others, the image of the same file name, if neither the table nor the data set has a second one of that name. A
    number that a spreadsheet has rewritten (007 as 7 or 7.0) means the image of that number, if there is no second one.
    What still fits several images is told apart by the ending, then by case.
    """
    own = [_parts(path) for path in paths]
    rows_of: defaultdict[str, list[int]] = defaultdict(list)
    for row, parts in enumerate(own):
        rows_of[parts[-1]].append(row)
    wanted = [_parts(name) for name in names]
    same_name = Counter(parts[-1] for parts in set(wanted))
    rows_of_number = _by_number(own)
    same_number = Counter(_number(last) for last in same_name)
    found: list[int] = []
    ambiguous = []
    for number, parts in enumerate(wanted):
        fits = rows_of.get(parts[-1], []) if parts[-1] else []
        chosen = [row for row in fits if _ends_with(own[row], parts) or _ends_with(parts, own[row])]
        if not chosen and len(fits) == 1 and same_name[parts[-1]] == 1:
            chosen = fits
        if not fits and same_number[_number(parts[-1])] == 1:
            chosen = rows_of_number.get(_number(parts[-1]), [])
        if len(chosen) > 1:
            chosen = _told_apart(chosen, names[number], parts, paths, own)
        if len(chosen) > 1:
            ambiguous.append((number, tuple(chosen)))
        found.append(chosen[0] if len(chosen) == 1 else -1)
    return Matching(tuple(found), tuple(ambiguous))


def is_image_name(path: str) -> bool:
    """Whether a file's ending is one of images."""
    return _split_ending(path.casefold())[1] != ""


def _by_number(own: Sequence[tuple[str, ...]]) -> dict[str, list[int]]:
    """Return the rows of the images whose names are nothing but a number, by that number, where there is one only."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, parts in enumerate(own):
        rows[_number(parts[-1])].append(row)
    return {number: found for number, found in rows.items() if number and len(found) == 1}


def _number(name: str) -> str:
    """Return the digits of a whole number, without zeros before and after it; "" for other names."""
    match = re.fullmatch(r"0*(\d+?)(\.0+)?", name)
    return match[1] if match else ""


def _told_apart(
    rows: list[int], name: str, parts: tuple[str, ...], paths: Sequence[str], own: Sequence[tuple[str, ...]]
) -> list[int]:
    text = _slashed(name)
    tests: tuple[Callable[[int], bool], ...] = (
        lambda row: own[row] == parts,
        lambda row: _split_ending(paths[row].casefold())[1] == _split_ending(text.casefold())[1],
        lambda row: _slashed(paths[row]).endswith(text),
    )
    for fits in tests:
        rows = [row for row in rows if fits(row)] or rows
    return rows


def _ends_with(parts: tuple[str, ...], tail: tuple[str, ...]) -> bool:
    return parts[len(parts) - len(tail) :] == tail if len(tail) <= len(parts) else False


def _parts(name: str) -> tuple[str, ...]:
    """Return the folders and the file name without its ending, all in one case."""
    *folders, file = _slashed(name).casefold().split("/")
    return *(folder for folder in folders if folder not in ("", ".", "..")), _split_ending(file)[0]


def _slashed(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip()).replace("\\", "/")


def _split_ending(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if stem and dot + ending in ENDINGS else (name, "")
