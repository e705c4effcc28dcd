"""The command line: gansweep run, compile, phantoms, upload, show; other commands stand beside this file."""

import shutil
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
import yaml

import components
from components.contracts.errors import InputError
from pipelines.cli import cluster as cli_cluster
from pipelines.cli.export import export
from pipelines.cli.options import (
    Again,
    External,
    Jobs,
    Minutes,
    MoreSettings,
    MostReplicates,
    Namespace,
    Presets,
    Registry,
    Replicates,
    Settings,
    Synthetic,
    Tag,
    Threads,
    console,
    errors,
    print_line,
)

# Each command imports what it needs when it runs: --help and refusals should not wait for KFP.
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Does synthetic training data help a medical image classifier, and at what cost in missed disease?",
)


@app.command()
def run(
    data: Annotated[str, typer.Option("--data", help="Folder with one folder of images a class.")] = "",
    presets: Presets = ("standard",),  # type: ignore[assignment]
    settings: Settings = None,
    synthetic: Synthetic = None,
    external: External = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the results. Default: runs/DATE-PRESET.")
    ] = None,
    runner: Annotated[
        Literal["subprocess", "docker"],
        typer.Option("--runner", help="Run the stages as processes, or in their images (make images)."),
    ] = "subprocess",
    jobs: Jobs = 0,
    threads: Threads = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, print what would run, run nothing.")
    ] = False,
    again: Again = False,
    replicates: Replicates = "",
    most_replicates: MostReplicates = 20,
    minutes: Minutes = 120,
    more_settings: MoreSettings = "",
) -> None:
    """Run the pipeline on this machine: from a folder of images to a verdict and a report.

    Give --out the folder of an interrupted run to go on with it. A finished run is shown, not run again.
    """
    from components.contracts.machine import this_machine
    from components.plan.parameters import check_parameters
    from components.plan.plan import make_plan
    from pipelines.cli.data import open_shown, say
    from pipelines.cli.folds import run_folds
    from pipelines.cli.outlook import what_can_be_seen
    from pipelines.cli.replicates import choose_replicates
    from pipelines.compile import image_names, local_tag
    from pipelines.local.run import run_locally
    from pipelines.parameters import load_presets, parse_sets, parse_settings, resolve, split_settings
    from pipelines.runs.folder import is_finished, new_folder, open_run_folder, owned, refuse_among_images, start_anew
    from pipelines.runs.live import LiveView, PlainView
    from pipelines.sweep.folds import lay_out_folds

    count = {"replicates": int(replicates)} if replicates.isdecimal() else {}
    if replicates and not count and replicates != "auto":
        raise InputError(f"--replicates: '{replicates}' is neither a number nor auto")
    both = {"gan_threads": threads, "classifier_threads": threads} if threads else {}
    sets = parse_sets(synthetic or [], external or [])
    given = [*split_settings(more_settings), *(settings or [])]
    values = resolve(load_presets(presets), parse_settings(given) | both | sets | count, data)
    wanted = out or Path("runs") / f"{time.strftime('%Y-%m-%d-%H%M%S')}-{Path(presets[0]).stem}"
    refuse_among_images(wanted, values)
    parameters = check_parameters(values)
    cells = jobs or this_machine().cells_at_once(max(parameters.gan_threads, parameters.classifier_threads))
    said: set[str] = set()
    data_set = open_shown(values["data_set"], values["table"], values["table_columns"], said)
    plan = make_plan(parameters, data_set)
    say(plan.understood, plan.warnings, said)
    if runner == "docker":
        from pipelines.local.containers import check_images

        check_images(image_names(tag=local_tag(values)).values())
    if dry_run:
        _print_plan(values, plan)
        console.print(what_can_be_seen(plan, data_set), markup=False, highlight=False, soft_wrap=True)
        return
    folder = out or new_folder(wanted)
    trained: Path | None = None
    if replicates == "auto":
        values, trained = choose_replicates(values, folder, cells, runner, again, said, most_replicates, minutes)
        plan = make_plan(check_parameters(values), data_set)
    if parameters.test_folds > 1:
        print_line(what_can_be_seen(plan, data_set))
        run_folds(lay_out_folds(folder.name, values, len(plan.gan_cells)), folder, jobs, runner, again, said, trained)
    else:
        with owned(folder):
            open_run_folder(folder, values)
            if again:
                start_anew(folder)
            if is_finished(folder):
                print_line(f"{folder}: finished already; --again runs it anew")
            else:
                work = f"{len(plan.gan_cells)} GANs and {len(plan.arms)} arms, {cells} at a time"
                print_line(f"{work}; results go to {folder}")
                print_line(what_can_be_seen(plan, data_set))
                view = LiveView(console, said) if console.is_terminal else nullcontext(PlainView(console, said))
                with view as shown:
                    run_locally(folder, shown, cells, runner, trained)
    if trained:
        shutil.rmtree(trained, ignore_errors=True)
    print_results(folder)


@app.command("compile")
def compile_(
    out: Annotated[Path, typer.Option("--out", help="File to write.")] = Path("gan-augmentation.yaml"),
    registry: Registry = "gansweep",
    tag: Tag = components.__version__,
) -> None:
    """Compile the pipeline to YAML, for `gansweep run` and for Kubeflow Pipelines alike."""
    from pipelines.compile import compile_pipeline

    try:
        compile_pipeline(out, registry, tag)
    except OSError as error:
        raise InputError(f"--out: {out} can't be written ({error.strerror}); give another file") from None
    console.print(f"Wrote {out}", highlight=False, soft_wrap=True)


@app.command()
def phantoms(
    folder: Annotated[Path, typer.Argument(help="Folder to write them to.")],
    per_class: Annotated[int, typer.Option(help="Pictures a class to learn from.")] = 200,
    test_per_class: Annotated[int, typer.Option(help="Pictures a class to test on; 0 makes no test set.")] = 100,
    classes: Annotated[int, typer.Option(help="Number of classes, 2 or more.")] = 2,
    size: Annotated[int, typer.Option(help="Height and width, in pixels.")] = 64,
    seed: Annotated[int, typer.Option(help="Same seed, same files.")] = 0,
) -> None:
    """Draw phantoms: made-up skin lesions, for demonstration and tests. They say nothing about real ones."""
    from pipelines.phantoms.write import write_phantoms

    names = write_phantoms(
        folder, per_class=per_class, test_per_class=test_per_class, classes=classes, size=size, seed=seed
    )
    counts = f"{per_class} to learn from and {test_per_class} to test on" if test_per_class else f"{per_class}"
    console.print(f"{folder}: {counts} a class ({', '.join(names)})", highlight=False, soft_wrap=True)


@app.command()
def upload(
    source: Annotated[Path, typer.Argument(help="Folder of a data set, or one file (a table, weights).")],
    address: Annotated[str, typer.Argument(help="minio://bucket/prefix, or minio://bucket/file for one file.")],
    table: Annotated[
        str, typer.Option("--table", help="Table that holds the labels, where folders are no classes; send it as well.")
    ] = "",
    namespace: Namespace = "kubeflow",
) -> None:
    """Bring a data set to MinIO, or any S3 server. What is there unchanged is passed over.

    The server and the login come from GANSWEEP_S3_ENDPOINT, GANSWEEP_S3_ACCESS_KEY and GANSWEEP_S3_SECRET_KEY; without
    the first of them, they are those of the MinIO in the cluster of the current kubeconfig.
    """
    from pipelines.cluster.store import reach_store
    from pipelines.cluster.upload import plan_upload, upload_with_progress, warnings
    from pipelines.runs.endings import ended_by_signals

    with ended_by_signals("the same command sends the rest"), reach_store(namespace):
        transfer = plan_upload(source, address, table)
        for warning in warnings(transfer):
            errors.print(f"upload: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)
        if transfer.left_out and not transfer.size:
            _fail("upload: every file was left out, nothing is sent", 1)
        upload_with_progress(transfer, console)


@app.command()
def show(folder: Annotated[Path, typer.Argument(help="Folder of a finished run.")]) -> None:
    """Print the table of a finished run again."""
    print_results(folder)


for command in (cli_cluster.submit, cli_cluster.wait, cli_cluster.publish, cli_cluster.sweep, export):
    app.command()(command)


def print_results(folder: Path) -> None:
    """Print the table of a run's folder and where its report lies."""
    from pipelines.runs.table import load_verdict, print_verdict

    print_verdict(load_verdict(folder), console)
    print_line(f"Report: {folder / 'report.html'}")


def _print_plan(values: dict[str, Any], plan: Any) -> None:
    console.print(yaml.safe_dump(values, sort_keys=False), markup=False, highlight=False, end="", soft_wrap=True)
    console.print(f"\ntrain_gan         {len(plan.gan_cells)} cells", highlight=False)
    for cell in plan.gan_cells:
        console.print(f"  {cell.label}/{cell.replicate}, seed {cell.seed}", markup=False, highlight=False)
    console.print(f"train_classifier  {len(plan.arms)} arms of {values['replicates']} replicates", highlight=False)
    for arm in plan.arms:
        console.print(f"  {arm.name}", markup=False, highlight=False)
    if values["test_folds"] > 1:
        console.print(f"all of this in each of {values['test_folds']} test folds", highlight=False)


def main() -> None:
    """Run the command line; bad input ends in one line and status 2, a failed stage in 1, an interrupt in 130."""
    try:
        app(standalone_mode=True)
    except InputError as error:
        _fail(str(error), 2)
    except Exception as error:
        from pipelines.runs.endings import Interrupted, StageError

        if isinstance(error, Interrupted):
            _fail(f"interrupted; {error}", 130)
        if isinstance(error, StageError):
            _fail(str(error), 1)
        raise


def _fail(message: str, status: int) -> None:
    errors.print(f"gansweep: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(status)
