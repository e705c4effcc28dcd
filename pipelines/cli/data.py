"""How a data set is listed before the eyes of a person: how far it is, what was understood, what deserves a look."""

from contextlib import nullcontext
from typing import Any

from components.data_set.checks import listed_warnings
from components.data_set.data_set import DataSet, open_data_set
from pipelines.cli.options import console, errors


def open_shown(address: str, table: str, table_columns: dict[str, Any]) -> DataSet:
    """List a data set and read its table; print what was understood and what deserves a look.

    On a terminal a long listing shows how many files were found so far.
    """
    with console.status("listing the data set") if console.is_terminal else nullcontext() as status:

        def progress(files: int) -> None:
            if status:
                status.update(f"listing the data set: {files:,} files")

        data_set = open_data_set(address, table, table_columns, progress)
    for line in data_set.understood():
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for warning in listed_warnings(data_set):
        errors.print(f"warning: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    return data_set
