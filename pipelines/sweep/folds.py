"""One run over several test folds: as many runs of the pipeline, carried out as a sweep's are, and one verdict."""

from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from components.compare.compare import CompareInputs, compare
from components.contracts.errors import InputError
from components.contracts.files import read_json
from pipelines.runs.artifacts import evaluations_of
from pipelines.sweep.carry_out import run_folder
from pipelines.sweep.file import Point
from pipelines.sweep.join import check_together, load_run
from pipelines.sweep.plan import PlannedRun, Sweep


def lay_out_folds(name: str, parameters: dict[str, Any], gans: int) -> Sweep:
    """Return a run for each test fold; `gans` is how many each of them trains."""
    runs = [
        PlannedRun(f"fold-{fold + 1}", 0, {**parameters, "test_fold": fold}, gans, "")
        for fold in range(parameters["test_folds"])
    ]
    return Sweep(name, (Point("", {}),), tuple(runs), runs_at_once=1, kind="run")


def join_folds(sweep: Sweep, folder: Path) -> None:
    """Write the results of all folds together into `folder`, as those of one run; raises InputError if they don't fit.

    The runs' artifacts are read where they lie.
    """
    check_together([load_run(folder, run) for run in sweep.runs])
    outputs = [folder / name for name in ("verdict.json", "ledger.csv", "report.html", "summary.md")]
    with (folder / "join.log").open("w", encoding="utf-8") as log, redirect_stdout(log):  # what a stage says
        compare([_inputs(run_folder(folder, run)) for run in sweep.runs], *map(str, outputs))


def _inputs(own: Path) -> CompareInputs:
    def output(stage: str, name: str) -> str:
        found = list(own.glob(f"artifacts/*/{stage}/{name}"))
        if len(found) != 1:
            raise InputError(f"{own / 'artifacts'}: {len(found)} outputs '{name}' are there, not one; remove {own}")
        return str(found[0])

    return CompareInputs(
        plan=read_json(output("plan", "plan_json")),
        evaluations=[str(path) for path in evaluations_of(own)],
        development_set=output("prepare", "development_set"),
        test_set=output("prepare", "test_set"),
        external_set=output("prepare", "external_set"),
        synthetic_set=output("synthesize", "synthetic_set"),
        data_report=output("prepare", "data_report"),
        synthetic_report=output("synthesize", "synthetic_report"),
        audit_report=output("audit", "audit_report"),
    )
