"""What the commands share: where they print, and options that several of them have."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from components.contracts.plain_text import plain_lines


class PlainConsole(Console):
    """Shows texts as they are: no markup, emoji or colours of rich's in them, and no control character as such."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a text to be shown, in a line or in a table's cell."""
        return super().render_str(plain_lines(text), **options)


console = PlainConsole()
errors = PlainConsole(stderr=True)


def print_line(text: str) -> None:
    """Print one line, however wide the terminal is."""
    console.print(text, soft_wrap=True)


def complain(text: str, colour: str = "yellow") -> None:
    """Print one line to standard error."""
    errors.print(text, style=colour, soft_wrap=True)


Presets = Annotated[
    list[str],
    typer.Option("--preset", help="demo, paper, standard, or a YAML file of parameters. Repeatable: later ones win."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Set any pipeline parameter, e.g. --set arms=real,gan:120 or --set classifier=mine.keras; the README "
        "has a table of them. Repeatable.",
    ),
]
Synthetic = Annotated[
    list[str] | None,
    typer.Option(
        "--synthetic",
        metavar="NAME=FOLDER",
        help="Your own synthetic images, for arms such as NAME:120: folder or minio://, with a folder a class; "
        "add ,table=FILE where a table holds the labels. Repeatable.",
    ),
]
External = Annotated[
    list[str] | None,
    typer.Option(
        "--external",
        metavar="NAME=FOLDER",
        help="A test set from elsewhere, on which every arm is evaluated too: folder or minio://. Repeatable.",
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
MoreSettings = Annotated[
    str, typer.Option("--settings", hidden=True, help="Several of --set in one text, as make passes them on.")
]
NoRetry = Annotated[
    bool,
    typer.Option(
        "--no-retry", help="In the cluster: never submit a run again that failed of something else than its stages."
    ),
]
Replicates = Annotated[
    str,
    typer.Option(
        "--replicates",
        metavar="N|auto",
        help="Trainings of each arm. auto: as many as make trainings vary little beside the test images, by a pilot.",
    ),
]
MostReplicates = Annotated[int, typer.Option("--most-replicates", min=5, max=100, help="The most that auto takes.")]
Minutes = Annotated[
    float, typer.Option("--minutes", min=0, help="Minutes of training, all arms together, that auto keeps to.")
]
Again = Annotated[bool, typer.Option("--again", help="Run a finished run anew; its results are replaced.")]
