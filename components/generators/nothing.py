"""What stands for the generators of a run that needs none.

A loop over nothing with a task that joins it fails in Kubeflow and in kfp.local, so that such a run has one cell
without a class: it trains nothing, asks for no GPU, and leaves a file that says so.
"""

from pathlib import Path

from components.contracts.files import fresh_folder, write_json, write_text

_FILE = "nothing.json"


def is_nothing(cell: dict) -> bool:
    """Tell whether a cell of the loop over GANs stands for none."""
    return cell["label"] == ""


def write_nothing(folder: str | Path, page: str | Path) -> None:
    """Write the outputs of `train_gan` for a run without GANs."""
    write_json(fresh_folder(folder) / _FILE, {"generators": 0})
    write_text(page, "<!doctype html><title>No GAN</title><p>No arm of this run needs a GAN: none was trained.</p>\n")


def holds_nothing(folder: Path) -> bool:
    """Tell whether a folder of a generator holds none."""
    return (folder / _FILE).is_file()
