"""Text from data, tables and servers, made harmless for terminals, logs and spreadsheets: shown, never obeyed."""

import re

# What moves a cursor, starts a line of its own or turns the direction of writing; and halves of characters.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTROL_BUT_LINES = re.compile(_CONTROL.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))
# KFP puts values in place of these wherever they stand in an argument.
PLACEHOLDER = "{{$"


def plain(text: str) -> str:
    r"""Return `text` in one line, its control characters escaped (a line end as \n, an escape as \x1b)."""
    return _CONTROL.sub(_escaped, text)


def plain_lines(text: str) -> str:
    """Do the same, but leave line ends and tabs as they are."""
    return _CONTROL_BUT_LINES.sub(_escaped, text)


def spreadsheet_cell(text: str) -> str:
    """Return a text as a cell that a spreadsheet doesn't take for a formula: an apostrophe before =, +, - and @."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
