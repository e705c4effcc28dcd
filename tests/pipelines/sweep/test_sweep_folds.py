"""Test folds: one run a fold, carried out as a sweep's runs are, and one verdict over all images."""

import json
import os
import shutil
import signal
import threading

import numpy as np
import pytest
import yaml
from jsonschema import validate
from small_run import SMALL, command
from sweeps import laid_out, make_fold, two_folds_of

from components.compare.verdict_file import read_schema
from components.contracts.errors import InputError
from pipelines.runs.endings import StageError
from pipelines.runs.folder import is_finished
from pipelines.sweep.folds import join_folds
from pipelines.sweep.join import join


@pytest.fixture
def two_folds(finished, tmp_path):
    """Two folds that found the same: copies of the small run."""
    return two_folds_of(finished[0], tmp_path / "out"), tmp_path / "out"


def test_the_folds_of_a_run_give_one_verdict_over_all_images(two_folds, finished):
    folds, folder = two_folds
    join_folds(folds, folder)
    assert is_finished(folder)
    alone, pooled = (json.loads((path / "verdict.json").read_text()) for path in (finished[0], folder))
    validate(pooled, read_schema())
    assert (alone["test_folds"], pooled["test_folds"]) == (1, 2)
    assert pooled["data_set"]["counts"]["test"] == {k: 2 * n for k, n in alone["data_set"]["counts"]["test"].items()}
    for ours, theirs in zip(pooled["arms"], alone["arms"], strict=True):
        assert ours["mean"]["auc"] == pytest.approx(theirs["mean"]["auc"])
        assert ours["missed"] == pytest.approx(2 * theirs["missed"])
        assert np.sum(ours["mean"]["confusion_matrix"]) == pytest.approx(2 * np.sum(theirs["mean"]["confusion_matrix"]))
        assert [replicate["test_fold"] for replicate in ours["replicates"]] == [0, 0, 1, 1]
    page = (folder / "report.html").read_text()
    assert "each tested once in 2 test folds" in page
    assert "test, in all folds together: 48 images (24 benign, 24 malignant)" in page
    assert "Each image is tested in one of 2 folds" in page


def test_runs_that_are_not_each_one_fold_are_not_joined(two_folds):
    folds, folder = two_folds
    make_fold(folder / "runs" / "fold-2", 0)
    with pytest.raises(InputError, match="^test_folds: the runs are not each one fold of the same data"):
        join_folds(folds, folder)


def test_a_sweep_pools_the_folds_of_each_arm_and_judges_them_once(two_folds):
    folds, folder = two_folds
    joined = join(folds, folder)
    assert [arm["arm"] for arm in joined["arms"]] == ["real", "gan:10", "traditional+gan:50%"]
    assert joined["rule"]["comparisons"] == 2
    assert joined["test_folds"] == 2
    assert "on 48 test images" in joined["answer"]


def test_every_point_and_share_of_the_arms_has_a_run_in_each_fold(tmp_path):
    sweep = laid_out(tmp_path, ratios=[10, 20], test_folds=3, grid={"gan_width": [16, 32]})
    assert [(run.point, run.parameters["test_fold"], run.after) for run in sweep.runs] == [
        (point, fold, "") for point in (0, 1) for fold in (0, 1, 2)
    ]
    assert sweep.runs[1].name == "02-gan_width-16-fold-2"


def test_the_same_command_goes_on_with_the_folds_that_are_missing(gansweep, finished, phantoms, tmp_path, monkeypatch):
    done, fails = [], ["fold-2"]

    def run(folder, view, cells, runner, checkpoints):
        number = yaml.safe_load((folder / "parameters.yaml").read_text())["test_fold"]
        if folder.name in fails:
            raise StageError("train_gan failed: no")
        kept = shutil.ignore_patterns("parameters.yaml")
        shutil.copytree(finished[0], folder, ignore=kept, dirs_exist_ok=True)
        make_fold(folder, number)
        done.append((folder.name, number))

    monkeypatch.setattr("pipelines.sweep.carry_out.run_locally", run)
    words = command("--data", phantoms, "--out", tmp_path / "run", **SMALL, test_folds=3)[3:]
    status, said, complaint = gansweep(*words)
    assert (status, "3 test folds, one run each" in said) == (1, True)
    assert complaint.startswith("gansweep: run fold-2: train_gan failed: no; the same command goes on")
    assert not (tmp_path / "run" / "verdict.json").exists()
    fails.clear()
    status, said, _ = gansweep(*words)
    assert (status, done) == (0, [("fold-1", 0), ("fold-2", 1), ("fold-3", 2)])
    assert json.loads((tmp_path / "run" / "verdict.json").read_text())["test_folds"] == 3
    assert f"Report: {tmp_path / 'run' / 'report.html'}" in said
    assert "finished already" in gansweep(*words)[1]
    assert len(done) == 3


def test_an_interrupted_run_over_folds_says_how_it_goes_on(gansweep, phantoms, tmp_path, monkeypatch):
    released = threading.Event()

    def run(folder, view, cells, runner, checkpoints):
        os.kill(os.getpid(), signal.SIGINT)
        assert released.wait(60)

    monkeypatch.setattr("pipelines.sweep.carry_out.run_locally", run)
    monkeypatch.setattr("pipelines.sweep.carry_out.end_runs", released.set)
    words = command("--data", phantoms, "--out", tmp_path / "run", **SMALL, test_folds=2)[3:]
    status, _, complaint = gansweep(*words)
    said = f"gansweep: interrupted; the same command goes on with the run in {tmp_path / 'run'}\n"
    assert (status, complaint) == (130, said)
