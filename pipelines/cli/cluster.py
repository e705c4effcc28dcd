"""The commands for Kubeflow Pipelines: gansweep submit, wait, publish; and gansweep sweep, for here and there."""

from contextlib import nullcontext
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import components
from components.contracts.errors import InputError
from pipelines.cli.options import (
    Again,
    External,
    Host,
    Jobs,
    MoreSettings,
    Namespace,
    NoRetry,
    Presets,
    Registry,
    Settings,
    Synthetic,
    Tag,
    console,
    errors,
)

if TYPE_CHECKING:
    from pipelines.cluster.kubeflow import Cluster
    from pipelines.sweep.carry_out import Work
    from pipelines.sweep.plan import Sweep

Out = Annotated[Path | None, typer.Option("--out", help="Folder for the results. Default: runs/DATE-PRESET.")]


def submit(
    data: Annotated[str, typer.Option("--data", help="minio://bucket/prefix of the data set (gansweep upload).")] = "",
    presets: Presets = ("standard",),  # type: ignore[assignment]
    settings: Settings = None,
    synthetic: Synthetic = None,
    external: External = None,
    host: Host = "",
    namespace: Namespace = "kubeflow",
    experiment: Annotated[str, typer.Option(help="Experiment that the run belongs to.")] = "gansweep",
    registry: Registry = "gansweep",
    tag: Tag = components.__version__,
    wait: Annotated[bool, typer.Option("--wait", help="Show the run until it ends, and fetch its results.")] = False,
    no_retry: NoRetry = False,
    out: Out = None,
    more_settings: MoreSettings = "",
) -> None:
    """Run the pipeline in a cluster, on Kubeflow Pipelines.

    With --wait the exit status is that of the run: 0 if it succeeded, 1 if it failed. Ctrl-C leaves it going.
    """
    from pipelines.cluster.kubeflow import connect
    from pipelines.cluster.submit import check_for_cluster, open_results_folder
    from pipelines.cluster.submit import submit as start
    from pipelines.parameters import load_presets, parse_sets, parse_settings, resolve, split_settings

    sets = parse_sets(synthetic or [], external or [])
    given = [*split_settings(more_settings), *(settings or [])]
    values = resolve(load_presets(presets), parse_settings(given) | sets, data)
    check_for_cluster(values)
    if values["test_folds"] > 1:
        raise InputError(
            f"test_folds: submit starts one run, and {values['test_folds']} folds are as many; write data_set, "
            f"classes, arms and test_folds: {values['test_folds']} into a file and give it to gansweep sweep FILE "
            "--cluster, which starts and joins them"
        )
    if out:
        open_results_folder(out)
    with connect(host, namespace) as cluster:
        run = start(cluster, values, presets[0], experiment, registry, tag)
        console.print(f"Run: {cluster.page(run['run_id'])}", markup=False, highlight=False, soft_wrap=True)
        again = _wait_command(run["run_id"], host, namespace)
        if wait:
            _wait(cluster, run["run_id"], out, again, not no_retry)
        else:
            console.print(f"Wait for it: {again}", markup=False, highlight=False, soft_wrap=True)


def wait(
    run: Annotated[str, typer.Argument(help="Id of the run, as submit prints it.")],
    host: Host = "",
    namespace: Namespace = "kubeflow",
    no_retry: NoRetry = False,
    out: Out = None,
) -> None:
    """Show a run in a cluster until it ends, and fetch its results. The exit status is that of the run."""
    from pipelines.cluster.kubeflow import connect
    from pipelines.cluster.submit import open_results_folder

    if out:
        open_results_folder(out)
    with connect(host, namespace) as cluster:
        _wait(cluster, run, out, _wait_command(run, host, namespace), not no_retry)


def publish(
    presets: Annotated[
        list[str] | None,
        typer.Option("--preset", help="Defaults of its form: a preset, or a YAML file of parameters. Repeatable."),
    ] = None,
    data: Annotated[str, typer.Option("--data", help="Default of data_set in its form: minio://bucket/prefix.")] = "",
    registry: Registry = "gansweep",
    tag: Tag = components.__version__,
    host: Host = "",
    namespace: Namespace = "kubeflow",
) -> None:
    """Add the pipeline to Kubeflow Pipelines, as a version named by its tag, to start it from the user interface.

    Where that name is taken by one with other defaults, a few digits join it.
    """
    from pipelines.cluster.kubeflow import connect
    from pipelines.cluster.versions import publish as upload
    from pipelines.gan_augmentation import NAME
    from pipelines.parameters import load_presets

    defaults = load_presets(presets or []) | ({"data_set": data} if data else {})
    with connect(host, namespace) as cluster:
        version = upload(cluster, registry, tag, defaults)
    added, there = "Added version {} of pipeline {}", "Version {} of pipeline {} is there already"
    said = (added if version.added else there).format(version.name, NAME)
    console.print(said, markup=False, highlight=False, soft_wrap=True)


def sweep(
    file: Annotated[Path, typer.Argument(help="YAML file of the sweep.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the sweep, to go on with as well. Default: runs/sweep-NAME.")
    ] = None,
    cluster: Annotated[
        bool, typer.Option("--cluster", help="Run on Kubeflow Pipelines instead of on this machine.")
    ] = False,
    host: Host = "",
    namespace: Namespace = "kubeflow",
    presets: Annotated[
        list[str] | None,
        typer.Option("--preset", help="Goes over the file's preset: a cluster's placement, for one. Repeatable."),
    ] = None,
    registry: Registry = "gansweep",
    tag: Tag = components.__version__,
    jobs: Jobs = 0,
    no_retry: NoRetry = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, print what would run, run nothing.")
    ] = False,
    again: Again = False,
) -> None:
    """Compare many arms, over a grid of any parameters, in runs that share their GANs; one table, plot and verdict.

    The same command goes on with a sweep that was interrupted: nothing that is finished runs again.
    """
    from pipelines.cluster.kubeflow import connect
    from pipelines.runs.folder import owned, refuse_among_images, start_anew
    from pipelines.sweep.file import read_sweep_file

    described = read_sweep_file(file, presets or ())
    folder = out or Path("runs") / f"sweep-{described.name}"
    said: set[str] = set()
    if cluster:
        from pipelines.sweep.in_cluster import plan_there, work_there

        planned = plan_there(described)
    else:
        from pipelines.cli.data import open_shown
        from pipelines.sweep.plan import plan_here

        planned = plan_here(described, lambda data, table, columns: open_shown(data, table, columns, said))
    for parameters in described.parameters:
        refuse_among_images(folder, parameters)
    if dry_run:
        _print_sweep(planned)
        return
    from pipelines.sweep.carry_out import open_sweep_folder, run_folder, work_here

    with owned(folder, "sweep"):
        open_sweep_folder(folder, planned)
        if again:
            for run in planned.runs:
                start_anew(run_folder(folder, run))
        if cluster:
            with connect(host, namespace) as reached:
                _sweep(planned, folder, work_there(reached, planned, folder, registry, tag, not no_retry), said)
        else:
            _sweep(planned, folder, work_here(folder, jobs, planned.runs_at_once), said)


def _sweep(planned: "Sweep", folder: Path, work: "Work", said: set[str]) -> None:
    from pipelines.sweep.carry_out import carry_out, run_folder
    from pipelines.sweep.join import join
    from pipelines.sweep.page import print_results, write_results
    from pipelines.sweep.view import SweepBars, SweepLines

    console.print(f"{len(planned.runs)} runs; results go to {folder}", markup=False, highlight=False, soft_wrap=True)
    view = SweepBars(console, planned, said) if console.is_terminal else nullcontext(SweepLines(console, planned, said))
    with view as shown:
        carry_out(planned, folder, work, shown)
    joined = join(planned, folder)
    reports = {
        run.name: run_folder(Path(), run) / "report.html" for run in sorted(planned.runs, key=attrgetter("name"))
    }
    write_results(folder, joined, {name: path.as_posix() for name, path in reports.items()})
    print_results(joined, console)
    console.print(f"Report: {folder / 'sweep.html'}", markup=False, highlight=False, soft_wrap=True)


def _print_sweep(planned: "Sweep") -> None:
    for run in planned.runs:
        after = f", after {run.after}" if run.after else ""
        arms = ", ".join(run.parameters["arms"])
        line = f"{run.name}: {run.gans} GANs, {len(run.parameters['arms'])} arms ({arms}){after}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _wait(cluster: "Cluster", run_id: str, out: Path | None, again: str, retry: bool) -> None:
    from pipelines.cluster.again import see_through
    from pipelines.cluster.records import outputs
    from pipelines.cluster.submit import fetch_results, open_results_folder, results_folder
    from pipelines.cluster.watch import wait_for
    from pipelines.runs.endings import ended_by_signals
    from pipelines.runs.folder import new_folder, owned
    from pipelines.runs.live import LiveView, PlainView
    from pipelines.runs.table import load_verdict, print_verdict

    def note(line: str) -> None:
        errors.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)

    with ended_by_signals(f"the run goes on in the cluster ({cluster.page(run_id)}); wait for it again: {again}"):
        run = cluster.run(run_id)
        wanted = out or results_folder(run)
        view = LiveView(console) if console.is_terminal else nullcontext(PlainView(console))
        with view as shown:
            run_id = see_through(cluster, run, lambda tried: wait_for(cluster, tried, shown, note), retry, note)
        folder = out or new_folder(wanted)
        with owned(folder):
            open_results_folder(folder)
            fetch_results(cluster, outputs(cluster, cluster.run(run_id)), folder)
    print_verdict(load_verdict(folder), console)
    console.print(f"Report: {folder / 'report.html'}", markup=False, highlight=False, soft_wrap=True)


def _wait_command(run_id: str, host: str, namespace: str) -> str:
    options = f" --host {host}" if host else ""
    options += f" --namespace {namespace}" if namespace != "kubeflow" else ""
    return f"gansweep wait {run_id}{options}"
