"""How a data set is listed before the eyes of a person: how far it is, what was understood, what deserves a look."""

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
    understood, warnings = data_set.understood(), listed_warnings(data_set)
    for line in understood:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for warning in warnings:
        errors.print(f"warning: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    said.update(understood, warnings)
    return data_set
