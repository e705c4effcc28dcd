"""How names from a data set or a table stand in messages: on one line, nothing in them acted upon."""

from collections.abc import Iterable

FIRST = 3  # names shown of many


def shown(name: str) -> str:
    """Return a name with everything escaped that a terminal would act upon (control characters, line ends, ...)."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape", "backslashreplace").decode("ascii")
        for sign in name
    )


def first_of(names: Iterable[str]) -> str:
    """Return the first few names, with "..." where there are more."""
    names = list(names)
    return ", ".join(shown(name) for name in names[:FIRST]) + (", ..." if len(names) > FIRST else "")


def count(number: int, noun: str) -> str:
    """Return "1 image", "2,000 images"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
