"""What a sweep says of external test sets: all arms, points and folds are one family a set."""

import io
import json
import shutil

import numpy as np
import pytest
import yaml
from jsonschema import validate
from rich.console import Console
from statsmodels.stats.multitest import multipletests
from sweeps import add_external, make_fold, two_folds_of

from components.compare.verdict_file import read_schema
from components.contracts.errors import InputError
from pipelines.sweep.file import Point
from pipelines.sweep.folds import join_folds
from pipelines.sweep.join import join
from pipelines.sweep.page import print_results, write_results
from pipelines.sweep.plan import PlannedRun, Sweep

POINTS = (Point("gan_width=16", {"gan_width": 16}), Point("gan_width=32", {"gan_width": 32}))


@pytest.fixture
def folds_twice(finished, tmp_path):
    """A sweep of two points in two folds each: copies of the small run, with an external test set."""
    given = yaml.safe_load((finished[0] / "parameters.yaml").read_text()) | {"test_folds": 2}
    runs = []
    for number, point in enumerate(POINTS):
        for fold in range(2):
            name = f"{number + 1:02}-fold-{fold + 1}"
            shutil.copytree(finished[0], tmp_path / "out" / "runs" / name)
            add_external(tmp_path / "out" / "runs" / name)
            make_fold(tmp_path / "out" / "runs" / name, fold)
            runs.append(PlannedRun(name, number, {**given, **point.values, "test_fold": fold}, 2, ""))
    return Sweep("doses", POINTS, tuple(runs), 1), tmp_path / "out"


@pytest.fixture
def two_folds(finished, tmp_path):
    """A run over two folds: copies of the small run, with an external test set."""
    shutil.copytree(finished[0], tmp_path / "one")
    add_external(tmp_path / "one")
    return two_folds_of(tmp_path / "one", tmp_path / "out"), tmp_path / "out"


def test_a_run_over_folds_has_one_verdict_on_each_set(two_folds):
    folds, folder = two_folds
    join_folds(folds, folder)
    verdict = json.loads((folder / "verdict.json").read_text())
    validate(verdict, read_schema())
    (there,) = verdict["external_test_sets"]
    assert there["counts"] == {"benign": 12, "malignant": 12}
    assert [len(arm["replicates"]) for arm in there["arms"]] == [4, 4, 4]
    assert [arm["against_real"]["verdict"] for arm in there["arms"][1:]] == ["no evidence", "helps"]
    assert there["arms"][2]["against_real"]["scope"] == "pictures"
    assert "traditional+gan:50% helps (AUC +" in there["answer"]
    page = (folder / "report.html").read_text()
    assert page.index(there["answer"]) < page.index("A set is the same for the models of all 2 test folds")
    assert there["answer"] in (folder / "summary.md").read_text()
    (joined,) = join(folds, folder)["external_test_sets"]
    for one, other in zip(joined["arms"][1:], there["arms"][1:], strict=True):
        assert one["against_real"]["adjusted"] == other["against_real"]["adjusted"]


def test_all_arms_at_all_points_are_one_family_on_each_set(folds_twice):
    joined = join(*folds_twice)
    (there,) = joined["external_test_sets"]
    assert (there["name"], there["images"], there["comparisons"]) == ("b", 24, 4)
    assert [(arm["point"], arm["arm"]) for arm in there["arms"]] == [
        (arm["point"], arm["arm"]) for arm in joined["arms"]
    ]
    against = [arm["against_real"] for arm in there["arms"] if arm["against_real"]]
    p_values = [each["p_value"] for each in against]
    assert min(p_values) < 0.01
    assert np.allclose([each["p_holm"] for each in against], multipletests(p_values, method="holm")[1])


def test_what_shows_there_alone_is_said_on_the_page_and_the_terminal(folds_twice, tmp_path):
    joined = join(*folds_twice)
    (there,) = joined["external_test_sets"]
    kinds = {one["arm"]: one["kind"] for one in there["findings"]}
    assert kinds["traditional+gan:50% at gan_width=16"] == kinds["traditional+gan:50% at gan_width=32"] == "only there"
    assert there["answer"].startswith("On b (24 images) traditional+gan:50% at gan_width=16 helps (AUC +")
    assert "which it was not shown to do on the own test set" in there["answer"]
    write_results(tmp_path, joined, {})
    page = (tmp_path / "sweep.html").read_text()
    assert page.index(there["answer"]) < page.index("All arms") < page.index("Verdict there")
    assert "A set is the same for the models of all 2 test folds" in page
    out = io.StringIO()
    print_results(joined, Console(file=out, width=1000))
    assert there["answer"] in out.getvalue()


def test_copies_of_a_sets_images_in_any_fold_bar_their_source_there(folds_twice):
    sweep, folder = folds_twice
    path = folder / "runs" / "02-fold-2" / "verdict.json"
    verdict = json.loads(path.read_text())
    verdict["external_test_sets"][0]["copies"][0] |= {"found": 3, "kept": 3}
    path.write_text(json.dumps(verdict))
    (there,) = join(sweep, folder)["external_test_sets"]
    reasons = {
        (arm["point"], arm["arm"]): arm["against_real"]["reason"] for arm in there["arms"] if arm["against_real"]
    }
    said = "gan holds copies of images of b (3); run again with on_leak=drop."
    assert {key for key, reason in reasons.items() if reason == said} == {
        ("gan_width=32", "gan:10"),
        ("gan_width=32", "traditional+gan:50%"),
    }


def test_a_set_that_was_changed_between_two_runs_is_refused(folds_twice):
    sweep, folder = folds_twice
    path = folder / "runs" / "02-fold-2" / "verdict.json"
    verdict = json.loads(path.read_text())
    verdict["external_test_sets"][0]["digest"] = "other"
    path.write_text(json.dumps(verdict))
    with pytest.raises(InputError, match=r"runs 01-fold-1 and 02-fold-2: an external test set was changed in between"):
        join(sweep, folder)
