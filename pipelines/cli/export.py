"""The command gansweep export: the synthetic images of a run as files."""

import re
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import Host, Namespace, console

_RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run on this machine, or id of a run in a cluster.")],
    out: Annotated[Path, typer.Option("--out", help="New folder for the images and their table, images.csv.")],
    sources: Annotated[
        list[str] | None, typer.Option("--source", help="gan, or a name of synthetic_sets. Repeatable; default: all.")
    ] = None,
    classes: Annotated[list[str] | None, typer.Option("--class", help="Repeatable; default: all.")] = None,
    count: Annotated[int, typer.Option("--count", min=0, help="Images a class and source; 0: all that were made.")] = 0,
    host: Host = "",
    namespace: Namespace = "kubeflow",
) -> None:
    """Write the synthetic images of a run as PNG files in a folder a class, with a table of what is known of each."""
    from pipelines.runs.export import TABLE
    from pipelines.runs.export import export as write

    if not run.exists() and _RUN_ID.fullmatch(str(run)):
        from pipelines.cluster.bring import bring_sets
        from pipelines.cluster.kubeflow import connect

        with tempfile.TemporaryDirectory(prefix="gansweep-") as folder:
            with connect(host, namespace) as cluster:
                bring_sets(cluster, str(run), Path(folder))
            written = write(Path(folder), out, sources or [], classes or [], count)
    else:
        written = write(run, out, sources or [], classes or [], count)
    line = f"{out}: {written:,} images, and what is known of each in {TABLE}"
    console.print(line, markup=False, highlight=False, soft_wrap=True)
