"""The commands for Kubeflow Pipelines: gansweep submit, wait, publish; and gansweep sweep, for here and there."""

import shutil
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
    Minutes,
    MoreSettings,
    MostReplicates,
    Namespace,
    NoRetry,
    Presets,
    Registry,
    Settings,
    Synthetic,
    Tag,
    console,
    errors,
    print_line,
)

if TYPE_CHECKING:
    from pipelines.cluster.kubeflow import Cluster
    from pipelines.sweep.carry_out import Work
    from pipelines.sweep.file import SweepFile
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
    most_replicates: MostReplicates = 20,
    minutes: Minutes = 120,
    no_retry: NoRetry = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, print what would run, run nothing.")
    ] = False,
    again: Again = False,
) -> None:
    """Compare many arms, over a grid of any parameters, in runs that share their GANs; one table, plot and verdict.

    The same command goes on with a sweep that was interrupted: nothing that is finished runs again.
    """
    from pipelines.cli.replicates import pilot_folder
    from pipelines.cluster.kubeflow import connect
    from pipelines.runs.folder import owned, refuse_among_images
    from pipelines.sweep.carry_out import work_here
    from pipelines.sweep.file import read_sweep_file
    from pipelines.sweep.replicates import choose_at_each_point, pilot_of, with_replicates_of_pilot

    described = read_sweep_file(file, presets or ())
    folder = out or Path("runs") / f"sweep-{described.name}"
    said: set[str] = set()

    def laid_out(described: "SweepFile") -> "Sweep":
        if cluster:
            from pipelines.sweep.in_cluster import plan_there

            return plan_there(described)
        from pipelines.cli.data import open_shown
        from pipelines.sweep.plan import plan_here

        return plan_here(described, lambda data, table, columns: open_shown(data, table, columns, said))

    planned = laid_out(with_replicates_of_pilot(described) if described.pilot else described)
    first, place = (pilot_of(planned), pilot_folder(folder)) if described.pilot else (planned, folder)
    for parameters in described.parameters:
        refuse_among_images(folder, parameters)
    if dry_run:
        if described.pilot:
            print_line(f"A pilot of {len(first.runs)} runs chooses the replicates of these:")
        _print_sweep(planned)
        return
    with owned(folder, "sweep"):
        _open(place, first, again)
        with connect(host, namespace) if cluster else nullcontext() as reached:

            def work(of: "Sweep", own: Path) -> "Work":
                if reached:
                    from pipelines.sweep.in_cluster import work_there

                    return work_there(reached, of, own, registry, tag, not no_retry)
                return work_here(place / "checkpoints", jobs, of.runs_at_once)

            if described.pilot:
                print_line(f"A pilot says how many replicates are enough; its results go to {place}")
                _carry_out(first, place, work(first, place), said)
                described = choose_at_each_point(described, first, place, most_replicates, minutes)
                for point, parameters in zip(described.points, described.parameters, strict=True):
                    print_line(f"{point.label}: {parameters['replicates_why']}".removeprefix(": "))
                planned = laid_out(described)
                _open(folder, planned, again)
            print_line(f"{len(planned.runs)} runs; results go to {folder}")
            _carry_out(planned, folder, work(planned, folder), said)
        shutil.rmtree(place / "checkpoints", ignore_errors=True)
        _end(planned, folder)


def _open(folder: Path, planned: "Sweep", again: bool) -> None:
    from pipelines.runs.folder import start_anew
    from pipelines.sweep.carry_out import open_sweep_folder, run_folder

    open_sweep_folder(folder, planned)
    if again:
        for run in planned.runs:
            start_anew(run_folder(folder, run))


def _carry_out(planned: "Sweep", folder: Path, work: "Work", said: set[str]) -> None:
    from pipelines.sweep.carry_out import carry_out
    from pipelines.sweep.view import SweepBars, SweepLines

    view = SweepBars(console, planned, said) if console.is_terminal else nullcontext(SweepLines(console, planned, said))
    with view as shown:
        carry_out(planned, folder, work, shown)


def _end(planned: "Sweep", folder: Path) -> None:
    """Join the runs, write the results and print them."""
    from pipelines.sweep.carry_out import run_folder
    from pipelines.sweep.join import join
    from pipelines.sweep.page import print_results, write_results

    joined = join(planned, folder)
    reports = {
        run.name: run_folder(Path(), run) / "report.html" for run in sorted(planned.runs, key=attrgetter("name"))
    }
    write_results(folder, joined, {name: path.as_posix() for name, path in reports.items()})
    print_results(joined, console)
    print_line(f"Report: {folder / 'sweep.html'}")


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
