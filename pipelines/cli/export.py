"""The command gansweep export: the synthetic images of a run as files."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import console


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run on this machine.")],
    out: Annotated[Path, typer.Option("--out", help="New folder for the images and their table, images.csv.")],
    sources: Annotated[
        list[str] | None, typer.Option("--source", help="gan, or a name of synthetic_sets. Repeatable; default: all.")
    ] = None,
    classes: Annotated[list[str] | None, typer.Option("--class", help="Repeatable; default: all.")] = None,
    count: Annotated[int, typer.Option("--count", min=0, help="Images a class and source; 0: all that were made.")] = 0,
) -> None:
    """Write the synthetic images of a run as PNG files in a folder a class, with a table of what is known of each."""
    from pipelines.runs.export import TABLE
    from pipelines.runs.export import export as write

    written = write(run, out, sources or [], classes or [], count)
    line = f"{out}: {written:,} images, and what is known of each in {TABLE}"
    console.print(line, markup=False, highlight=False, soft_wrap=True)
