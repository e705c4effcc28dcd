"""gansweep sweep on this machine: its runs, going on after an interruption, and what it leaves."""

import csv
import json
import re
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rich.console import Console
from small_run import SMALL
from sweeps import AGREED, command, gansweep, laid_out, write

from components.contracts.errors import InputError
from components.contracts.files import fresh_folder
from pipelines.runs.endings import StageError
from pipelines.runs.folder import RESULTS, owned
from pipelines.sweep.carry_out import carry_out, open_sweep_folder, work_here
from pipelines.sweep.file import Point, read_sweep_file
from pipelines.sweep.plan import PlannedRun, Sweep, plan_here
from pipelines.sweep.view import SweepLines


@dataclass(frozen=True)
class Swept:
    """A sweep of two runs in `folder`, what its parts said, and the classes whose GANs had a checkpoint in between."""

    folder: Path
    said: list[str]
    begun: list[str]
    log: str


@pytest.fixture(scope="module")
def swept(finished, phantoms, tmp_path_factory):
    """Run a sweep of which the small run is the first one, interrupted twice in the second.

    First while its GANs train, then after. To spare a minute of classifiers, the results of the small run then take
    the place of the second's: with these the sweep is run to its end.
    """
    folder = tmp_path_factory.mktemp("sweep")
    file, out = folder / "doses.yaml", folder / "out"
    arms = SMALL["arms"].split(",")
    settings = {name: SMALL[name] for name in SMALL if name not in ("arms", "replicates")}
    grid = {"classifier_dropout": [0.25, 0.3]}
    write(file, data_set=str(phantoms), arms=arms, replicates=SMALL["replicates"], set=settings, grid=grid)
    planned = plan_here(read_sweep_file(file))
    first, second = (out / "runs" / run.name for run in planned.runs)
    open_sweep_folder(out, planned)
    shutil.copytree(finished[0], first)
    words, log = command(file, "--out", out), second / "run.log"
    said = [interrupted(words, out, lambda: list(out.glob("checkpoints/*.safetensors")))]
    begun = [path.name.split("-")[0] for path in out.glob("checkpoints/*.safetensors")]
    said.append(interrupted(words, out, lambda: log.is_file() and log.read_text().count("finished train_gan") == 2))
    text = log.read_text()
    shutil.copytree(finished[0] / "artifacts", fresh_folder(second / "artifacts"), dirs_exist_ok=True)
    for name in RESULTS:
        shutil.copyfile(finished[0] / name, second / name)
    done = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return Swept(out, [*said, done.stdout], begun, text)


def interrupted(words: list[str], out: Path, condition) -> str:
    """Run a sweep until `condition` holds, press Ctrl-C, and return what it said."""
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(condition)
    process.send_signal(signal.SIGINT)
    said, complaint = process.communicate(timeout=240)
    assert (process.returncode, processes_that_know(str(out))) == (130, []), complaint
    assert complaint == f"gansweep: interrupted; the same command goes on with the sweep in {out}\n"
    return said


def test_an_interrupted_sweep_goes_on_without_repeating_what_is_finished(swept):
    first, second = "01-classifier_dropout-0.25", "02-classifier_dropout-0.3"
    for said in swept.said[:2]:
        assert f"run {first}: finished (1 of 2)\nrun {second}: started\n" in said
    assert all(f"run {first}: started" not in said for said in swept.said)
    assert f"run {first}: finished (1 of 2)\n" in swept.said[2]
    assert f"run {second}: finished (2 of 2)\n" in swept.said[2]
    assert swept.begun
    for name in swept.begun:
        # What goes on from a checkpoint says where it is, without the losses of updates that it did not do itself.
        assert f"gansweep progress train_gan {name}/0 3/9 updates loss" not in swept.log
        assert f"gansweep progress train_gan {name}/0 9/9 updates" in swept.log
    assert not (swept.folder / "checkpoints").exists()


def test_runs_share_their_checkpoints_and_no_more_go_at_once_than_asked_for(tmp_path, monkeypatch):
    under_way, most, told, finished_before = [], [], [], {}
    three = threading.Event()

    def run(folder, view, cells, runner, checkpoints):
        under_way.append(folder.name)
        most.append(len(under_way))
        told.append((folder.name, cells, checkpoints))
        finished_before[folder.name] = {path.parent.name for path in folder.parent.glob("*/verdict.json")}
        if len(under_way) == 3:
            three.set()
        if folder.name in followers:
            three.wait(60)  # until as many are under way as asked for
        leave_results(folder)
        under_way.remove(folder.name)

    monkeypatch.setattr("pipelines.sweep.carry_out.run_locally", run)
    sweep = laid_out(tmp_path, ratios=[*range(1, 7)], cells_a_run=4, grid={"gan_width": [16, 32]}, runs_at_once=3)
    followers = {run.name for run in sweep.runs if run.after}
    carry_out(sweep, tmp_path, work_here(tmp_path / "checkpoints", 7, 3), SweepLines(Console(quiet=True), sweep))
    assert all(run.after in finished_before[run.name] for run in sweep.runs if run.after)
    assert sorted(name for name, _, _ in told) == sorted(run.name for run in sweep.runs)
    assert {(cells, path) for _, cells, path in told} == {(2, tmp_path / "checkpoints")}  # 7 cells for 3 runs
    assert max(most) == 3


def test_after_a_failure_no_further_run_starts_and_the_next_time_only_what_is_missing_runs(tmp_path, monkeypatch):
    told = []

    def run(folder, view, cells, runner, checkpoints):
        told.append(folder.name)
        if folder.name == "02" and told.count("02") == 1:
            raise StageError("prepare failed: no")
        if folder.name == "03":
            time.sleep(0.3)  # goes on while the other has failed
        leave_results(folder)

    monkeypatch.setattr("pipelines.sweep.carry_out.run_locally", run)
    sweep = laid_out(tmp_path, ratios=[1, 2, 3, 4], cells_a_run=4, runs_at_once=2)
    with pytest.raises(StageError, match="run 02: prepare failed: no"):
        carry_out(sweep, tmp_path, work_here(tmp_path / "checkpoints", 1, 1), SweepLines(Console(quiet=True), sweep))
    assert sorted(told) == ["01", "02", "03"]
    carry_out(sweep, tmp_path, work_here(tmp_path / "checkpoints", 1, 1), SweepLines(Console(quiet=True), sweep))
    assert sorted(told[3:]) == ["02", "04"]


def test_the_results_of_a_sweep_lie_in_its_folder_and_on_the_terminal(swept):
    folder, said = swept.folder, swept.said[2]
    files = {"sweep-runs.json", "sweep.json", "sweep.csv", "sweep.html"}
    assert {path.name for path in folder.iterdir()} == files | {"runs"}
    joined = json.loads((folder / "sweep.json").read_text())
    assert [arm["arm"] for arm in joined["arms"]] == 2 * SMALL["arms"].split(",")
    assert [point["point"] for point in joined["points"]] == ["classifier_dropout=0.25", "classifier_dropout=0.3"]
    assert all(AGREED.items() <= point.items() for point in joined["points"])
    rows = list(csv.DictReader((folder / "sweep.csv").open()))
    for row, arm in zip(rows, joined["arms"], strict=True):
        assert (row["point"], row["arm"], row["run"]) == (arm["point"], arm["arm"], arm["run"])
        assert row["verdict"] == (arm["against_real"]["verdict"] if arm["against_real"] else "reference")
        assert float(row["accuracy_low"]) == arm["intervals"]["accuracy"][0]
    page = (folder / "sweep.html").read_text()
    assert page.count("<svg") == 2
    assert not re.search(r'(src|href)="(?!data:|#|runs/)', page)
    links = re.findall(r'href="(runs/[^"]+)"', page)
    assert len(links) == 2
    assert joined["answer"].split(";")[0] in " ".join(said.split())
    assert said.rstrip().endswith(f"Report: {folder / 'sweep.html'}")


def test_a_folder_of_another_sweep_or_of_something_else_is_refused(swept, tmp_path):
    folder, same = swept.folder, sweep_of(swept.folder)
    open_sweep_folder(folder, same)
    with pytest.raises(InputError, match="holds another sweep"):
        open_sweep_folder(folder, replace(same, name="other"))
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="holds files of something else"):
        open_sweep_folder(tmp_path, same)


def test_runs_of_other_code_are_not_gone_on_with(swept, monkeypatch):
    monkeypatch.setattr("pipelines.sweep.carry_out.code_digest", lambda: "other")
    with pytest.raises(InputError, match="runs/01-classifier_dropout-0.25 was made by other code"):
        open_sweep_folder(swept.folder, sweep_of(swept.folder))


def test_a_sweep_has_one_owner_at_a_time_and_does_not_lie_among_its_images(phantoms, tmp_path):
    shutil.copytree(phantoms, tmp_path / "b")
    given = {"ratios": [10], "set": {"gan_batch_size": 8}, "external_test_sets": {"b": str(tmp_path / "b")}}
    file = write(tmp_path / "doses.yaml", data_set=str(phantoms), **given)
    with owned(tmp_path / "out"):
        second = gansweep(file, "--out", tmp_path / "out")
    inside = gansweep(file, "--out", phantoms / "out")
    elsewhere = gansweep(file, "--out", tmp_path / "b" / "out")
    assert (second.returncode, inside.returncode, elsewhere.returncode) == (2, 2, 2)
    assert "a sweep is under way in" in second.stderr
    assert "lies in the data set" in inside.stderr
    assert "lies in external_test_sets: b" in elsewhere.stderr
    assert not (phantoms / "out").exists()
    assert not (tmp_path / "b" / "out").exists()


def leave_results(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in RESULTS:
        (folder / name).write_text("{}")


def sweep_of(folder: Path) -> Sweep:
    """Return the sweep that a folder holds."""
    known = json.loads((folder / "sweep-runs.json").read_text())
    runs = tuple(PlannedRun(name, 0, values, 2, "") for name, values in known["runs"].items())
    return Sweep(known["name"], tuple(Point(label, {}) for label in known["points"]), runs, 1)


def processes_that_know(word: str) -> list[str]:
    """Return the command lines of the processes whose arguments hold `word`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if word in text:
            found.append(text)
    return found


def wait_for(condition, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
