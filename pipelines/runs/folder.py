"""The folder of a run: what it holds, and who may write there."""

from pathlib import Path
from typing import Any

import yaml

from components.contracts.errors import InputError
from components.contracts.files import write_text

# File in the run's folder -> output of `compare` that it is a copy of.
RESULTS = {"verdict.json": "verdict", "ledger.csv": "ledger", "report.html": "report", "summary.md": "summary"}


def open_run_folder(folder: Path, parameters: dict[str, Any]) -> None:
    """Make the folder of a run, or go on with the one of an interrupted run of the same parameters.

    Raises InputError if it can't be written, holds something else, or holds a run of other parameters.
    """
    settings = folder / "parameters.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not settings.is_file():
            raise InputError(f"--out: {folder} holds files of something else; give a new or empty folder")
        if settings.is_file() and yaml.safe_load(settings.read_text(encoding="utf-8")) != parameters:
            raise InputError(f"--out: {folder} holds a run with other parameters; give a new or empty folder")
        write_text(settings, yaml.safe_dump(parameters, sort_keys=False))
    except OSError as error:
        raise InputError(f"--out: {folder} can't be written ({error.strerror}); give another folder") from None
