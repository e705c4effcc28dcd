import codecs
import csv
import io
from pathlib import Path

import pytest

from components.contracts.errors import InputError
from components.data_set.table import parse_table, read_table

HEADER = ("image", "patient_id", "note")
ROWS = [("benign/1.jpg", "IP_1", "a, b; c"), ("malignant/2.jpg", "Müller", 'said "so"')]


def written(separator=",", end="\r\n", encoding="utf-8", quoting=csv.QUOTE_MINIMAL) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerow(HEADER)
    writer.writerows(ROWS)
    return text.getvalue().encode(encoding)


def refusal(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        parse_table(data, "t.csv")
    assert str(caught.value).startswith("table: t.csv: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_are_told(separator, end):
    table = parse_table(written(separator, end), "t.csv")
    assert (table.header, list(table.rows)) == (HEADER, ROWS)


@pytest.mark.parametrize(
    "data",
    [
        written(encoding="utf-8-sig"),
        written(encoding="utf-16"),
        codecs.BOM_UTF16_BE + written(encoding="utf-16-be"),
        written(encoding="utf-16-le"),
        written(encoding="utf-16-be"),
        written(encoding="latin-1"),
        written(encoding="cp1252"),
        b"sep=;\r\n" + written(";"),
        written(quoting=csv.QUOTE_ALL),
        b"\r\n" + written() + b"\r\n\r\n,,\r\n",
    ],
)
def test_every_usual_encoding_is_read(data):
    table = parse_table(data, "t.csv")
    assert (table.header, list(table.rows)) == (HEADER, ROWS)


def test_blanks_and_formulas_around_cells_go():
    table = parse_table(b' Image , Patient_ID \n 1.jpg , "=""0012""" \n', "t.csv")
    assert table.header == ("Image", "Patient_ID")
    assert table.rows == (("1.jpg", "0012"),)


def test_a_row_with_too_few_cells_is_filled_and_told():
    table = parse_table(b"image,note,patient\n1,n,p\n2,n\n", "t.csv")
    assert table.rows[1] == ("2", "n", "")
    assert table.short_lines == (3,)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"image,patient_id\n", "holds a header (image, patient_id) but no rows"),
        (b"PK\x03\x04" + bytes(range(256)), "is an Excel workbook or a zip archive, not text; save it as CSV"),
        (b"\xd0\xcf\x11\xe0" + bytes(99), "is an Excel workbook"),
        (b"\x89PNG" + bytes(99), "is a picture"),
        (b"PAR1" + bytes(99), "is a Parquet file"),
        (b"<!doctype html><html>", "is a web page"),
        (b'{"a": 1}', "is JSON"),
        (b"a,b\n\x01\x02,c\n", "not a table of text"),
        (b"image,patient\na,b,c\n", "line 2 has 3 cells, the header 2"),
        (b"\xff\xfea", "utf-16 is broken"),
        (b'image,patient\n"' + b"x" * 200_000 + b'",p\n', "not a table (field larger"),
    ],
)
def test_what_is_no_table_is_refused_with_the_way_out(data, said):
    assert said in refusal(data)


@pytest.mark.parametrize("path", ["/proc/self/environ", "/proc/self/status"])
def test_files_that_the_kernel_makes_up_are_not_read(path):
    with pytest.raises(InputError, match=f"^table: {path}: is empty"):
        read_table(Path(path), path)


def test_a_file_of_many_zeros_is_no_table_in_utf_16():
    assert "not a table of text" in refusal(b"HOME=/root\0LANG=C\0SECRET=x\0" * 20)


def test_a_table_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("components.data_set.table.LARGEST_TABLE", 10)
    (tmp_path / "t.csv").write_bytes(written())
    with pytest.raises(InputError, match=r"^table: t.csv: is larger than"):
        read_table(tmp_path / "t.csv", "t.csv")
