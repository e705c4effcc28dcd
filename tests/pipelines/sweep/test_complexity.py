"""A sweep over classifiers: what each arm brings, over the weights that learn."""

import json
import re
import shutil

import pytest
import yaml
from classifiers_told import PAPER, PRETRAINED
from sweeps import laid_out

from pipelines.runs.artifacts import evaluations_of
from pipelines.sweep.complexity import classifiers, complexity
from pipelines.sweep.file import Point
from pipelines.sweep.join import join
from pipelines.sweep.page import write_results
from pipelines.sweep.plan import PlannedRun, Sweep

WIDE = PAPER | {"name": "paper-wide", "weights": 430_000, "trainable_weights": 430_000}


@pytest.fixture
def joined(finished, tmp_path):
    """Three copies of the small run as a sweep over classifiers."""
    given = (WIDE, PAPER, PRETRAINED)
    parameters = yaml.safe_load((finished[0] / "parameters.yaml").read_text())
    for name, about in zip("abc", given, strict=True):
        shutil.copytree(finished[0], tmp_path / "out/runs" / name)
        for folder in evaluations_of(tmp_path / "out/runs" / name):
            path = folder / "evaluation.json"
            path.write_text(json.dumps(json.loads(path.read_text()) | {"classifier": about}))
    runs = tuple(PlannedRun(name, number, parameters, 2, "") for number, name in enumerate("abc"))
    points = tuple(Point(f"classifier={about['name']}", {"classifier": about["name"]}) for about in given)
    return join(Sweep("classifiers", points, runs, 1), tmp_path / "out")


def test_classifiers_stand_in_the_order_of_the_weights_that_learn(joined):
    assert [each["name"] for each in classifiers(joined)] == ["pretrained", "paper", "paper-wide"]
    assert [len(each["reals"]) for each in classifiers(joined)] == [1, 1, 1]


def test_each_arms_benefit_is_drawn_over_the_weights_that_learn_with_its_interval(joined, tmp_path):
    drawings = complexity(joined)
    arms = {arm["arm"] for arm in joined["arms"] if arm["against_real"]}
    assert all("100k" in drawing and "math" not in drawing for drawing in drawings)
    for drawing, metric in zip(drawings, (joined["rule"]["endpoint"], "sensitivity_at_operating_point"), strict=True):
        said = re.search('aria-label="([^"]*)"', drawing)[1]
        for arm in arms:
            (gain,) = {
                f"{100 * each['against_real']['differences'][metric]['estimate']:+.1f}"
                for each in joined["arms"]
                if each["arm"] == arm
            }
            assert f"{arm}: pretrained (3,937) {gain}, paper (108,225) {gain}, paper-wide (430,000) {gain}" in said
    write_results(tmp_path, joined, {})
    page = (tmp_path / "sweep.html").read_text()
    assert "Complexity and benefit" in page
    assert "3\u2009370\u2009000" in page
    assert "weights,trainable_weights" in (tmp_path / "sweep.csv").read_text().splitlines()[0]


def test_one_classifier_alone_is_not_drawn(joined, tmp_path):
    one = joined | {"arms": [arm for arm in joined["arms"] if arm["classifier"] == PAPER]}
    assert complexity(one) == []
    write_results(tmp_path, one, {})
    assert "Complexity and benefit" not in (tmp_path / "sweep.html").read_text()


def test_runs_that_differ_in_their_classifier_share_their_gans(tmp_path):
    sweep = laid_out(tmp_path, grid={"classifier": ["paper", "paper-deep", "pretrained"]})
    first, *others = sweep.runs
    assert first.after == ""
    assert [run.after for run in others] == [first.name] * 2
