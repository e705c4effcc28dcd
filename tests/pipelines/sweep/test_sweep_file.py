"""A sweep's file: the runs it makes, and what is refused by its name before anything starts."""

import pytest
from sweeps import gansweep, laid_out, write

from components.contracts.errors import InputError
from pipelines.sweep.file import NOT_IN_GRID


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
        (
            {"external_test_sets": {"b": "x"}, "grid": {"on_leak": ["drop", "keep"]}},
            "grid: on_leak: it decides what external test sets hold; give it under set",
        ),
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


def test_external_test_sets_are_those_of_every_run_and_part_no_gans(tmp_path):
    sweep = laid_out(tmp_path, ratios=[10, 20], cells_a_run=4, external_test_sets={"hospital_b": "minio://x/b"})
    assert len(sweep.runs) == 2
    assert all(run.parameters["external_test_sets"] == {"hospital_b": "minio://x/b"} for run in sweep.runs)
    with pytest.raises(InputError, match="grid: external_test_sets: all points of a grid are compared on one test set"):
        laid_out(tmp_path, ratios=[10], grid={"external_test_sets": [{"b": "x"}, {}]})
