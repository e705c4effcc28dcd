"""The joined verdict of a sweep: all arms at all points in one family, each beside the real of its own run."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from statsmodels.stats.multitest import multipletests
from sweeps import AGREED

from components.contracts.errors import InputError
from components.contracts.imageset import read_imageset
from components.contracts.metrics import scores
from pipelines.runs.artifacts import evaluations_of
from pipelines.runs.folder import is_finished
from pipelines.sweep.file import Point
from pipelines.sweep.join import join
from pipelines.sweep.page import notes, table_csv, write_results
from pipelines.sweep.plan import PlannedRun, Sweep

GAN_ARMS = ("gan:10", "traditional+gan:50%")  # of the small run


def test_a_run_without_its_report_is_not_finished(joined_twice):
    _, folder = joined_twice
    assert is_finished(folder / "runs" / "01")
    (folder / "runs" / "01" / "report.html").unlink()
    assert not is_finished(folder / "runs" / "01")


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
    assert notes(before) == before["cautions"]
    loss = spoil_real(folder / "runs" / "02")
    after = join(one, folder)
    assert not after["points"][0]["real_identical"]
    assert after["points"][0]["real_differs_by"] >= loss > 0
    assert "real came out differently in its runs" in notes(after)[-1]
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
    arms = {json.loads((path / "evaluation.json").read_text())["arm"]: path for path in evaluations_of(run)}
    folder = arms["real"]
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


def test_a_source_that_its_run_bars_gets_no_verdict_in_the_sweep(joined_twice):
    """In the second run the GANs' pictures hold copies of test images."""
    sweep, folder = joined_twice
    path = folder / "runs" / "02" / "verdict.json"
    verdict = json.loads(path.read_text())
    said = "gan holds copies of the test images: 3 of its 20 pictures."
    verdict["sources"][0]["findings"] = [{"kind": "copies_of_test_kept", "bars": True, "text": said}]
    path.write_text(json.dumps(verdict))
    joined = join(sweep, folder)
    told = {
        (arm["point"], arm["arm"]): arm["against_real"]["reason"] == said
        for arm in joined["arms"]
        if arm["against_real"]
    }
    assert told == {
        (point, arm): point == "gan_width=32" for point in ("gan_width=16", "gan_width=32") for arm in GAN_ARMS
    }
    assert joined["answer"].startswith(said)
    assert "gan_width=32" not in joined["answer"].removeprefix(said)
