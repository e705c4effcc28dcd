"""`gansweep run` over several test folds."""

import shutil
from contextlib import nullcontext
from pathlib import Path

from pipelines.cli.options import console, print_line
from pipelines.runs.folder import is_finished, owned, start_anew
from pipelines.sweep.carry_out import carry_out, open_sweep_folder, run_folder, work_here
from pipelines.sweep.folds import join_folds
from pipelines.sweep.plan import Sweep
from pipelines.sweep.view import SweepBars, SweepLines


def run_folds(
    folds: Sweep, folder: Path, jobs: int, runner: str, again: bool, said: set[str], checkpoints: Path | None
) -> None:
    """Carry out the runs of all folds that are not finished, and join them; results go to `folder`.

    GANs that a pilot has trained are taken from its `checkpoints`.
    """
    with owned(folder):
        open_sweep_folder(folder, folds)
        if again:
            start_anew(folder)
            for run in folds.runs:
                start_anew(run_folder(folder, run))
        if is_finished(folder):
            print_line(f"{folder}: finished already; --again runs it anew")
            return
        print_line(f"{len(folds.runs)} test folds, one run each; results go to {folder}")
        view = SweepBars(console, folds, said) if console.is_terminal else nullcontext(SweepLines(console, folds, said))
        with view as shown:
            work = work_here(checkpoints or folder / "checkpoints", jobs, folds.runs_at_once, runner)
            carry_out(folds, folder, work, shown)
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        join_folds(folds, folder)
