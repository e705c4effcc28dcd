"""gansweep sweep on this machine: the file, its runs, going on after an interruption, and the joined verdict."""

import csv
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from rich.console import Console
from small_run import SMALL
from statsmodels.stats.multitest import multipletests

from components.contracts.errors import InputError
from components.contracts.files import fresh_folder
from components.contracts.imageset import read_imageset
from components.contracts.metrics import scores
from pipelines.runs.endings import StageError
from pipelines.runs.folder import RESULTS, is_finished, owned
from pipelines.sweep.carry_out import carry_out, open_sweep_folder, plan_here, work_here
from pipelines.sweep.file import NOT_IN_GRID, PlannedRun, Point, Sweep, lay_out, read_sweep_file
from pipelines.sweep.join import join
from pipelines.sweep.page import notes, table_csv, write_results
from pipelines.sweep.view import SweepLines

AGREED = {"real_identical": True, "real_differs_by": 0.0}


def write(path: Path, **keys: object) -> Path:
    path.write_text(yaml.safe_dump(keys, sort_keys=False))
    return path


def laid_out(tmp_path: Path, **keys: object) -> Sweep:
    given = {"data_set": "images", "preset": "paper", "ratios": ["50%"], **keys}  # one GAN a class
    file = read_sweep_file(write(tmp_path / "doses.yaml", **given))
    return lay_out(file, classes=2)


def test_the_arms_of_every_point_are_split_into_runs_of_few_cells_with_real_in_each(tmp_path):
    sweep = laid_out(
        tmp_path,
        ratios=[f"{i}%" for i in range(1, 61)],
        traditional="both",
        arms=["traditional"],
        gan_replicates=3,
        grid={"gan_width": [16, 32], "classifier_dropout": [0.1, 0.25]},
    )
    assert [point.values["classifier_dropout"] for point in sweep.points] == [0.1, 0.25, 0.1, 0.25]
    for number, point in enumerate(sweep.points):
        runs = [run for run in sweep.runs if run.point == number]
        assert len(runs) == 2
        for run in runs:
            assert run.parameters["arms"][0] == "real"
            assert run.gans + len(run.parameters["arms"]) < 100
            assert {name: run.parameters[name] for name in point.values} == point.values
        arms = [arm for run in runs for arm in run.parameters["arms"][1:]]
        assert len(arms) == len(set(arms)) == 121
    assert len({run.name for run in sweep.runs}) == 8


def test_runs_that_share_gans_wait_for_the_one_that_trains_them(tmp_path):
    sweep = laid_out(
        tmp_path,
        ratios=[10, 20],
        cells_a_run=8,
        grid={"gan_width": [16, 32], "gan_replicates": [1, 3], "classifier_dropout": [0.1, 0.2]},
    )
    leaders = {run.name: run for run in sweep.runs if not run.after}
    assert [run.after == "" for run in sweep.runs] == [True] * 2 + [False] * (len(sweep.runs) - 2)
    for run in sweep.runs:
        leader = leaders[run.after or run.name]
        assert leader.parameters["gan_width"] == run.parameters["gan_width"]
        assert leader.parameters["gan_replicates"] == 3


def test_presets_go_over_each_other_and_set_over_them(tmp_path):
    (tmp_path / "mine.yaml").write_text("gan_epochs: 7\ngan_cpu: '1'\n")
    sweep = laid_out(tmp_path, preset=["demo", str(tmp_path / "mine.yaml")], set={"gan_cpu": "3"})
    (run,) = sweep.runs
    wanted = {"gan_epochs": 7, "gan_cpu": "3", "classifier_epochs": 20}
    assert {name: run.parameters[name] for name in wanted} == wanted


def test_an_arm_without_synthetic_images_never_makes_a_run_of_its_own(tmp_path):
    sweep = laid_out(tmp_path, ratios=[10, 20, 30], arms=["traditional"], cells_a_run=5)
    assert [run.parameters["arms"][1:] for run in sweep.runs] == [["traditional", "gan:10"], ["gan:20", "gan:30"]]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"ratio": [1]}, "ratio: there is no such key; did you mean ratios?"),
        ({"gan_epochs": 3}, "gan_epochs: there is no such key; write it under set"),
        ({"data_set": ""}, "data_set: no value is given"),
        ({"ratios": "50%"}, "ratios: '50%' is not a list"),
        ({"ratios": ["5O%"]}, "'gan:5O%' is not an arm"),
        ({"ratios": [10, 10]}, "'gan:10' stands there more than once"),
        ({"ratios": []}, "ratios: there is only real"),
        ({"traditional": "maybe"}, "traditional: 'maybe' is not false, true or both"),
        ({"replicates": 0}, "replicates: 0 is not a number from 1 on"),
        ({"runs_at_once": True}, "runs_at_once: True is not a number from 1 on"),
        ({"name": "a/b"}, "name: 'a/b' may hold letters"),
        ({"preset": "standart"}, "did you mean standard?"),
        ({"set": {"gan_epoch": 3}}, "gan_epoch: there is no such parameter; did you mean gan_epochs?"),
        ({"set": {"gan_epochs": "many"}}, "gan_epochs: 'many' is not a value of type Integer"),
        ({"set": {"arms": ["real"]}}, "set: arms: list them under arms or ratios"),
        ({"set": {"gan_width": 16}, "grid": {"gan_width": [32]}}, "set: gan_width: it is given twice"),
        ({"replicates": 3, "grid": {"replicates": [3, 5]}}, "grid: replicates: it is given twice"),
        ({"grid": {"gan_width": 32}}, "grid: gan_width: 32 is not a list of values"),
        ({"grid": {"gan_width": [32, 32]}}, "grid: gan_width: a value stands there twice"),
        ({"grid": {"gan_learning_rate": [1, 1.0]}}, "grid: gan_learning_rate: a value stands there twice"),
        ({"grid": {"gan_widht": [32]}}, "did you mean gan_width?"),
        *(({"grid": {name: [1, 2]}}, f"grid: {name}: {why}") for name, why in NOT_IN_GRID.items()),
        ({"gan_replicates": 20, "cells_a_run": 41}, "cells_a_run: 40 GANs and real leave 0 cells of a run"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(tmp_path, keys, message):
    with pytest.raises(InputError) as refusal:
        laid_out(tmp_path, **keys)
    assert message in str(refusal.value)


def test_a_sweep_that_can_not_run_ends_in_one_line_before_anything_starts(phantoms, tmp_path):
    file = write(tmp_path / "doses.yaml", data_set=str(phantoms), ratios=[10], grid={"gan_batch_size": [8, 64]})
    done = gansweep(file, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "gan_batch_size: class 'benign' has 30 images" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


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
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return Swept(out, [*said, done.stdout], begun, text)


def interrupted(words: list[str], out: Path, condition) -> str:
    """Run a sweep until `condition` holds, press Ctrl-C, and return what it said."""
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(condition)
    process.send_signal(signal.SIGINT)
    said, complaint = process.communicate(timeout=30)
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

    def run(folder, view, cells, checkpoints):
        under_way.append(folder.name)
        most.append(len(under_way))
        told.append((folder.name, cells, checkpoints))
        finished_before[folder.name] = {path.parent.name for path in folder.parent.glob("*/verdict.json")}
        time.sleep(0.05)
        leave_results(folder)
        under_way.remove(folder.name)

    monkeypatch.setattr("pipelines.sweep.carry_out.run_locally", run)
    sweep = laid_out(tmp_path, ratios=[*range(1, 7)], cells_a_run=4, grid={"gan_width": [16, 32]}, runs_at_once=3)
    carry_out(sweep, tmp_path, work_here(tmp_path, 7, 3), SweepLines(Console(quiet=True), sweep))
    assert all(run.after in finished_before[run.name] for run in sweep.runs if run.after)
    assert sorted(name for name, _, _ in told) == sorted(run.name for run in sweep.runs)
    assert {(cells, path) for _, cells, path in told} == {(2, tmp_path / "checkpoints")}  # 7 cells for 3 runs
    assert max(most) == 3


def test_after_a_failure_no_further_run_starts_and_the_next_time_only_what_is_missing_runs(tmp_path, monkeypatch):
    told = []

    def run(folder, view, cells, checkpoints):
        told.append(folder.name)
        if folder.name == "02" and told.count("02") == 1:
            raise StageError("prepare failed: no")
        if folder.name == "03":
            time.sleep(0.3)  # goes on while the other has failed
        leave_results(folder)

    monkeypatch.setattr("pipelines.sweep.carry_out.run_locally", run)
    sweep = laid_out(tmp_path, ratios=[1, 2, 3, 4], cells_a_run=4, runs_at_once=2)
    with pytest.raises(StageError, match="run 02: prepare failed: no"):
        carry_out(sweep, tmp_path, work_here(tmp_path, 1, 1), SweepLines(Console(quiet=True), sweep))
    assert sorted(told) == ["01", "02", "03"]
    carry_out(sweep, tmp_path, work_here(tmp_path, 1, 1), SweepLines(Console(quiet=True), sweep))
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


def test_a_sweep_has_one_owner_at_a_time_and_does_not_lie_in_its_data_set(phantoms, tmp_path):
    file = write(tmp_path / "doses.yaml", data_set=str(phantoms), ratios=[10], set={"gan_batch_size": 8})
    with owned(tmp_path / "out"):
        second = gansweep(file, "--out", tmp_path / "out")
    inside = gansweep(file, "--out", phantoms / "out")
    assert (second.returncode, inside.returncode) == (2, 2)
    assert "a sweep is under way in" in second.stderr
    assert "lies in the data set" in inside.stderr
    assert not (phantoms / "out").exists()


def test_a_run_without_its_report_is_not_finished(joined_twice):
    _, folder = joined_twice
    assert is_finished(folder / "runs" / "01")
    (folder / "runs" / "01" / "report.html").unlink()
    assert not is_finished(folder / "runs" / "01")


def leave_results(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in RESULTS:
        (folder / name).write_text("{}")


def sweep_of(folder: Path) -> Sweep:
    """Return the sweep that a folder holds."""
    known = json.loads((folder / "sweep-runs.json").read_text())
    runs = tuple(PlannedRun(name, 0, values, 2, "") for name, values in known["runs"].items())
    return Sweep(known["name"], tuple(Point(label, {}) for label in known["points"]), runs, 1)


@pytest.fixture
def joined_twice(finished, tmp_path):
    """Return a sweep of two points whose runs are copies of the small run, and its folder."""
    parameters = yaml.safe_load((finished[0] / "parameters.yaml").read_text())
    for name in ("01", "02"):
        shutil.copytree(finished[0], tmp_path / "out" / "runs" / name)
    runs = tuple(PlannedRun(name, number, parameters, 2, "") for number, name in enumerate(("01", "02")))
    points = (Point("gan_width=16", {"gan_width": 16}), Point("gan_width=32", {"gan_width": 32}))
    return Sweep("doses", points, runs, 1), tmp_path / "out"


def test_one_run_alone_is_judged_as_the_run_itself_judged(joined_twice, finished):
    sweep, folder = joined_twice
    joined = join(Sweep("doses", sweep.points[:1], sweep.runs[:1], 1), folder)
    verdict = json.loads((finished[0] / "verdict.json").read_text())
    for ours, theirs in zip(joined["arms"], verdict["arms"], strict=True):
        assert ours["arm"] == theirs["arm"]
        for metric in ours["mean"]:
            assert ours["mean"][metric] == theirs["mean"][metric]
            assert ours["intervals"][metric] == theirs["intervals"][metric]
        if theirs["against_real"]:
            for key in ("adjusted", "p_value", "p_holm", "verdict", "reason", "test_images_needed"):
                assert ours["against_real"][key] == theirs["against_real"][key]
            for metric, difference in ours["against_real"]["differences"].items():
                assert difference == theirs["against_real"]["differences"][metric]


def test_all_arms_at_all_points_are_one_family(joined_twice, finished):
    joined = join(*joined_twice)
    against = [arm["against_real"] for arm in joined["arms"] if arm["against_real"]]
    assert joined["rule"]["comparisons"] == len(against) == 4
    p_values = [each["p_value"] for each in against]
    assert np.allclose([each["p_holm"] for each in against], multipletests(p_values, method="holm")[1])
    verdict = json.loads((finished[0] / "verdict.json").read_text())
    alone = [arm["against_real"]["adjusted"]["confidence"] for arm in verdict["arms"] if arm["against_real"]]
    assert max(each["adjusted"]["confidence"] for each in against) == pytest.approx(1 - 0.05 / 4)
    assert max(alone) == pytest.approx(1 - 0.05 / 2)
    assert [arm["arm"] for arm in joined["arms"]].count("real") == 2
    assert {row["point"] for row in csv.DictReader(table_csv(joined).splitlines())} == {"gan_width=16", "gan_width=32"}


def test_a_real_that_came_out_differently_is_told_and_each_arm_is_compared_with_its_own(joined_twice, tmp_path):
    """One point in two runs, with the same arms; in the second, the models of `real` are wrong on a whole class."""
    sweep, folder = joined_twice
    both = tuple(PlannedRun(run.name, 0, run.parameters, 2, "") for run in sweep.runs)
    one = Sweep("doses", sweep.points[:1], both, 1)
    before = join(one, folder)
    assert before["points"][0] == {"point": "gan_width=16", "values": {"gan_width": 16}} | AGREED
    assert notes(before) == []
    loss = spoil_real(folder / "runs" / "02")
    after = join(one, folder)
    assert not after["points"][0]["real_identical"]
    assert after["points"][0]["real_differs_by"] >= loss > 0
    assert "real came out differently in its runs" in notes(after)[0]
    write_results(tmp_path, after, {})
    assert "real came out differently in its runs" in (tmp_path / "sweep.html").read_text()
    gains = np.subtract(changes_of_accuracy(after), changes_of_accuracy(before))
    assert np.allclose(gains, [0, 0, loss, loss])


def test_runs_of_different_data_or_code_are_not_joined(joined_twice):
    sweep, folder = joined_twice
    path = folder / "runs" / "02" / "verdict.json"
    verdict = json.loads(path.read_text())
    for changed, message in (
        (verdict | {"data_set": verdict["data_set"] | {"digest": "other"}}, "the data set was changed in between"),
        (verdict | {"code_digest": "other"}, "made by different code"),
    ):
        path.write_text(json.dumps(changed))
        with pytest.raises(InputError, match=message):
            join(sweep, folder)


def changes_of_accuracy(joined: dict) -> list[float]:
    against = [arm["against_real"] for arm in joined["arms"] if arm["against_real"]]
    return [each["differences"]["accuracy"]["estimate"] for each in against]


def spoil_real(run: Path) -> float:
    """Let all models of `real` take the first class for the second; return what that costs in mean accuracy."""
    evaluations = run.glob("artifacts/*/*/evaluate/evaluation")
    (folder,) = (path for path in evaluations if json.loads((path / "evaluation.json").read_text())["arm"] == "real")
    about = json.loads((folder / "evaluation.json").read_text())
    test = read_imageset(next(run.glob("artifacts/*/prepare/test_set")))
    probabilities = np.load(folder / "probabilities.npy")
    probabilities[:, test.labels == 0] = (0.1, 0.9)
    np.save(folder / "probabilities.npy", probabilities)
    before = np.mean([replicate["accuracy"] for replicate in about["replicates"]])
    for replicate, predicted in zip(about["replicates"], probabilities, strict=True):
        found = scores(predicted, test.labels, test.classes.index(about["positive_class"]))
        replicate |= {name: float(value[0]) for name, value in found.items()}
    (folder / "evaluation.json").write_text(json.dumps(about))
    return float(before - np.mean([replicate["accuracy"] for replicate in about["replicates"]]))


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "pipelines", "sweep", *map(str, words)]


def gansweep(*words: object) -> subprocess.CompletedProcess:
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=120)


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
