"""What the commands share: where they print, and options that several of them have."""

from typing import Annotated

import typer
from rich.console import Console

console = Console()
errors = Console(stderr=True)

Presets = Annotated[
    list[str],
    typer.Option("--preset", help="demo, paper, standard, or a YAML file of parameters. Repeatable: later ones win."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Set any pipeline parameter, e.g. --set arms=real,gan:120. Repeatable."
    ),
]
Synthetic = Annotated[
    list[str] | None,
    typer.Option(
        "--synthetic",
        metavar="NAME=FOLDER",
        help="Your own synthetic images, for arms such as NAME:120: folder or minio://. Repeatable.",
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs", min=0, help="GANs, or arms, trained side by side. Default: what processors and memory allow."
    ),
]
Threads = Annotated[
    int,
    typer.Option("--threads", min=0, help="Sets gan_threads and classifier_threads: threads of one training."),
]
Registry = Annotated[str, typer.Option(help="Registry and path of the three images.")]
Tag = Annotated[str, typer.Option(help="Tag of the three images.")]
Host = Annotated[
    str,
    typer.Option(
        help="Address of the user interface of Kubeflow Pipelines. Default: a port-forward to the current cluster."
    ),
]
Namespace = Annotated[str, typer.Option(help="Namespace of Kubeflow Pipelines.")]
