"""Reads a table about images as people have it: CSV or TSV, any usual encoding, separator and line end."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from components.contracts.errors import InputError
from components.data_set.words import shown

LARGEST_TABLE = 200_000_000  # bytes; a row of 200 each for a million images
SEPARATORS = ",;\t|"

MOST_SHOWN = 300  # characters of a header, in a message
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
# How files begin that are no text, and what they are.
_OTHERS = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x1f\x8b": "packed by gzip",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"{\\rtf": "an RTF document",
}
_SAVE = "save it as CSV (in a spreadsheet: File, Save as, CSV UTF-8)"


@dataclass(frozen=True)
class Table:
    """A table as text: `header` has C names; `rows` hold C cells each, stripped; `lines` are their line numbers."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    short_lines: tuple[int, ...] = ()

    def column(self, number: int) -> list[str]:
        """Return the cells of one column."""
        return [row[number] for row in self.rows]


def read_table(path: Path, name: str) -> Table:
    """Read the table in a file; `name` is what messages call it.

    Rows with too few cells are filled with empty ones (`short_lines`). Raises InputError, with the way out, for what
    is no table, has no rows, or has rows with more cells than the header.
    """
    try:
        size = path.stat().st_size  # 0 of files that the kernel makes up, some of which never end
        with path.open("rb") as file:
            data = file.read(size if size <= LARGEST_TABLE else 0)
    except OSError as error:
        raise InputError(f"table: {name}: can't be read ({error.strerror or error}); check the file") from None
    if size > LARGEST_TABLE:
        raise InputError(f"table: {name}: is larger than {LARGEST_TABLE / 1e6:g} MB; keep only the columns needed")
    return parse_table(data, name)


def parse_table(data: bytes, name: str) -> Table:
    """Read a table from the bytes of its file; see `read_table`."""
    text = _text(data, name)
    separator, text = _separator(text)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
        lines = [(reader.line_num, tuple(map(_cell, cells))) for cells in reader]
    except csv.Error as error:
        raise InputError(f"table: {name}: not a table ({error}); {_SAVE}") from None
    lines = [(number, cells) for number, cells in lines if any(cells)]
    if not lines:
        raise InputError(f"table: {name}: is empty; it needs a header and a row an image")
    (_, header), *rows = lines
    if not rows:
        raise InputError(f"table: {name}: holds a header ({shown(', '.join(header)[:MOST_SHOWN])}) but no rows")
    width = max((number for number, column in enumerate(header, start=1) if column), default=0)
    header = header[:width]
    for number, cells in rows:
        if any(cells[width:]):
            remedy = (
                "the first line must be the header: take titles and remarks out"
                if width == 1
                else (f"put cells that hold a '{shown(separator)}' between double quotes")
            )
            raise InputError(f"table: {name}: line {number} has {len(cells)} cells, the header {width}; {remedy}")
    return Table(
        name,
        header,
        tuple((*cells, *[""] * (width - len(cells)))[:width] for _, cells in rows),
        tuple(number for number, _ in rows),
        tuple(number for number, cells in rows if len(cells) < width),
    )


def _text(data: bytes, name: str) -> str:
    for start, kind in _OTHERS.items():
        if data.startswith(start):
            raise InputError(f"table: {name}: is {kind}, not text; {_SAVE}")
    encoding = next((encoding for mark, encoding in _MARKS.items() if data.startswith(mark)), None)
    if encoding is None:  # UTF-16 without a mark: about every other byte of a Latin header is zero
        zeros = {"utf-16-le": data[1:1000:2].count(0), "utf-16-be": data[:1000:2].count(0)}
        likely = max(zeros, key=lambda name: zeros[name])
        encoding = likely if zeros[likely] > len(data[:1000]) / 4 else None
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        if encoding:
            raise InputError(f"table: {name}: not a table of text ({encoding} is broken); {_SAVE}") from None
        try:
            text = data.decode("cp1252")  # Windows' Western European, which Latin-1 is part of
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    if re.search(r"[\0-\x08\x0e-\x1f]", text[:100_000]):
        raise InputError(f"table: {name}: not a table of text; {_SAVE}")
    if text.lstrip()[:1] in ("<", "{"):
        raise InputError(f"table: {name}: is {'a web page' if text.lstrip()[0] == '<' else 'JSON'}; {_SAVE}")
    return text


def _separator(text: str) -> tuple[str, str]:
    """Return the separator that parts the header into most cells, and the text without a line that only names it."""
    first, _, rest = text.lstrip("\r\n").partition("\n")
    if named := re.fullmatch(r"sep=(.)\r?", first):  # what Excel writes and reads
        return named[1], rest
    header = re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]
    return max(SEPARATORS, key=lambda sign: len(next(csv.reader([header], delimiter=sign), []))), text


def _cell(text: str) -> str:
    """Strip a cell, also of the formula that keeps spreadsheets from reading it as a number: ="0012"."""
    text = text.strip()
    formula = re.fullmatch(r'="(.*)"', text)
    return formula[1].strip() if formula else text
