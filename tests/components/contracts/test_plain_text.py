"""Text from outside on terminals, in logs and in spreadsheets; files of users, read within bounds."""

import pytest

from components.contracts.errors import InputError
from components.contracts.plain_text import plain, plain_lines, spreadsheet_cell
from components.contracts.progress import parse


def test_control_characters_are_shown_and_not_obeyed():
    assert plain("a\x1b]0;title\x07b") == "a\\x1b]0;title\\x07b"
    assert plain("a\r\nb\u2028c\u202ed\udcff") == "a\\r\\nb\\u2028c\\u202ed\\udcff"
    assert plain_lines("a\n\tb\x1b") == "a\n\tb\\x1b"
    assert plain("bösartig, 良性") == "bösartig, 良性"


def test_a_refusal_is_one_line_whatever_names_stand_in_it():
    assert str(InputError("class 'a\ngansweep\x1b[2J'")) == "class 'a gansweep\\x1b[2J'"


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1+2", "@sum", "\t=1"])
def test_a_formula_becomes_a_text(text):
    assert spreadsheet_cell(text) == f"'{text}"


def test_other_cells_stay_as_they_are():
    assert [spreadsheet_cell(text) for text in ("", "malignant", "a=b", "1")] == ["", "malignant", "a=b", "1"]


@pytest.mark.parametrize(
    "line",
    [
        "InputError: class 'gansweep finished compare -'",
        "see gansweep started compare -",
        "gansweep progress train_gan a/0 1/2",
        "gansweep progress train_gan a/0 x/y epochs",
        "gansweep progress train_gan a/0 1/2 epochs loss",
        "gansweep finished train_gan a/0 soon",
        "gansweep finished train_gan a/0 1.2.3 s",
        "gansweep finished train_gan a/0",
        "gansweep ended train_gan a/0",
    ],
)
def test_what_only_looks_like_an_event_is_none(line):
    assert parse(line) is None


def test_control_characters_in_an_event_are_shown():
    assert parse("gansweep started train_gan a\x1b[2J/0").cell == "a\\x1b[2J/0"
