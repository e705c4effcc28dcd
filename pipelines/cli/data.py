"""How a data set is listed before the eyes of a person: how far it is, what was understood, what deserves a look."""

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

from components.data_set.checks import listed_warnings
from components.data_set.data_set import DataSet, open_data_set
from pipelines.cli.options import console, errors


def open_shown(address: str, table: str, table_columns: dict[str, Any], said: set[str]) -> DataSet:
    """List a data set and read its table; print what was understood and what deserves a look, and add it to `said`.

    On a terminal a long listing shows how many files were found so far.
    """
    with console.status("listing the data set") if console.is_terminal else nullcontext() as status:

        def progress(files: int) -> None:
            if status:
                status.update(f"listing the data set: {files:,} files")

        data_set = open_data_set(address, table, table_columns, progress)
    say(data_set.understood(), listed_warnings(data_set), said)
    return data_set


def say(understood: Iterable[str], warnings: Iterable[str], said: set[str]) -> None:
    """Print what was understood and what deserves a look, once, and add it to `said`."""
    for line in [line for line in understood if line not in said]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
        said.add(line)
    for warning in [line for line in warnings if line not in said]:
        errors.print(f"warning: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)
        said.add(warning)
