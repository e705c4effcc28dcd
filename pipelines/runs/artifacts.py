"""Where a run on this machine has left what the cells of its loops made."""

from pathlib import Path

from components.contracts.pods import folders_of


def left_by_cells(run: Path, stage: str, output: str) -> list[Path]:
    """Return the folders of all cells in an output of a stage; raises InputError naming a file that is missing."""
    artifacts = sorted(run.glob(f"artifacts/*/*/{stage.replace('_', '-')}/{output}"))
    return [folder for artifact in artifacts for folder in folders_of(artifact)]


def evaluations_of(run: Path) -> list[Path]:
    """Return the folders of the evaluations of all arms."""
    return left_by_cells(run, "evaluate", "evaluation")
