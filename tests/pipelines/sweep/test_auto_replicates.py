"""Replicates that a pilot chooses: `gansweep run --replicates auto`, and `replicates: auto` of a sweep."""

import json
import shutil

import pytest
import yaml
from fake_kubeflow import FakeKubeflow
from small_run import SMALL, command
from sweeps import write

ARMS = SMALL["arms"].split(",")
SETTINGS = {name: SMALL[name] for name in SMALL if name not in ("arms", "replicates")}


def tell_spread(verdict, parameters, trainings=0.01):
    """Have a verdict say that trainings bring so large a standard deviation to each difference, test images 0.015."""
    content = json.loads(verdict.read_text())
    content["parameters"] |= parameters
    for arm in content["arms"][1:]:
        arm["against_real"]["spread"] |= {"trainings": trainings, "images": 0.015}
    verdict.write_text(json.dumps(content))


@pytest.fixture
def runs(monkeypatch, finished):
    """Let every run be the small one; return the parameters of each, and where its GANs are kept.

    Trainings of a classifier without dropout hardly vary.
    """
    asked = []

    def run(folder, view, cells, runner, checkpoints):
        checkpoints.mkdir(exist_ok=True)
        parameters = yaml.safe_load((folder / "parameters.yaml").read_text())
        asked.append((parameters, checkpoints))
        kept = shutil.ignore_patterns("parameters.yaml")
        shutil.copytree(finished[0], folder, ignore=kept, dirs_exist_ok=True)
        tell_spread(folder / "verdict.json", parameters, 0.01 if parameters["classifier_dropout"] else 0.001)

    for place in ("pipelines.cli.replicates", "pipelines.local.run", "pipelines.sweep.carry_out"):
        monkeypatch.setattr(f"{place}.run_locally", run)
    return asked


def test_the_pilot_decides_and_is_not_repeated(gansweep, runs, phantoms, tmp_path):
    words = command("--data", phantoms, "--out", tmp_path / "run", **SMALL)[3:]
    status, said, _ = gansweep(*words, "--replicates", "auto")
    assert status == 0
    (pilot, kept), (whole, shared) = runs
    assert (pilot["replicates"], pilot["replicates_why"]) == (5, "")
    assert whole["replicates"] == 9  # 5 * (0.01 / 0.015)^2 / 0.25
    assert whole["replicates_why"] in " ".join(said.split())
    assert {**whole, "replicates": 5, "replicates_why": ""} == pilot
    # The run takes the GANs that the pilot has trained, and nothing of them is left behind.
    assert kept == shared == tmp_path / "run-pilot" / "checkpoints"
    assert not kept.exists()
    shutil.rmtree(tmp_path / "run")
    gansweep(*words, "--replicates", "auto")
    assert [one["replicates"] for one, _ in runs] == [5, 9, 9]


def test_a_word_that_is_no_number_is_refused(gansweep, phantoms, tmp_path):
    words = command("--data", phantoms, "--out", tmp_path / "run", **SMALL)[3:]
    status, _, complaint = gansweep(*words, "--replicates", "many")
    assert (status, complaint) == (2, "gansweep: --replicates: 'many' is neither a number nor auto\n")


def test_in_a_sweep_a_pilot_decides_at_each_point(gansweep, runs, phantoms, tmp_path):
    grid = {"classifier_dropout": [0.0, 0.25]}
    file = write(tmp_path / "doses.yaml", data_set=str(phantoms), arms=ARMS, set=SETTINGS, grid=grid, replicates="auto")
    out = tmp_path / "out"
    status, said, complaint = gansweep("sweep", file, "--out", out)
    assert (status, complaint) == (0, "")
    assert [one["replicates"] for one, _ in runs] == [5, 5, 5, 9]
    assert {kept for _, kept in runs} == {tmp_path / "out-pilot" / "checkpoints"}
    assert not (tmp_path / "out-pilot" / "checkpoints").exists()
    rule = json.loads((out / "sweep.json").read_text())["rule"]["text"]
    for one, _ in runs[2:]:
        why = f"classifier_dropout={one['classifier_dropout']}: {one['replicates_why']}"
        assert why in said
        assert why in rule
    # What is there is not repeated, the pilot neither; a smaller budget is another sweep.
    assert gansweep("sweep", file, "--out", out)[0] == 0
    assert len(runs) == 4
    assert "holds another sweep" in gansweep("sweep", file, "--out", out, "--most-replicates", 6)[2]
    assert "A pilot of 2 runs chooses the replicates" in gansweep("sweep", file, "--out", out, "--dry-run")[1]


def test_the_pilot_of_test_folds_is_their_first(gansweep, runs, phantoms, tmp_path):
    file = write(
        tmp_path / "doses.yaml", data_set=str(phantoms), arms=ARMS, set=SETTINGS, replicates="auto", test_folds=2
    )
    # The folds of this stand-in are one and the same, which is refused when they are joined.
    assert gansweep("sweep", file, "--out", tmp_path / "out")[0] == 2
    assert [(one["replicates"], one["test_fold"]) for one, _ in runs] == [(5, 0), (9, 0), (9, 1)]


@pytest.mark.usefixtures("quick")
def test_in_a_cluster_the_pilot_is_submitted_and_its_verdict_fetched(gansweep, finished, tmp_path):
    content = {"data_set": "minio://gansweep/data/phantoms", "classes": 2, "arms": ARMS, "replicates": "auto"}
    file = write(tmp_path / "doses.yaml", **content, set=SETTINGS)

    def results(parameters):
        folder = tmp_path / f"of-{parameters['replicates']}"
        if not folder.exists():
            shutil.copytree(finished[0], folder)
            tell_spread(next(folder.glob("artifacts/*/compare/verdict")), parameters)
        return folder

    with FakeKubeflow(results) as fake:
        words = ("sweep", file, "--cluster", "--out", tmp_path / "out", "--host", fake.host)
        status, said, complaint = gansweep(*words)
        assert (status, complaint) == (0, "")
        asked = [run["runtime_config"]["parameters"]["replicates"] for run in fake.runs]
        assert asked == [5, 9]
        assert [one["display_name"] for one in fake.experiments] == ["doses-pilot", "doses"]
        assert "with 9 it is about 25% (25% is wanted)" in said
        assert gansweep(*words)[0] == 0
        assert len(fake.runs) == 2


@pytest.mark.parametrize("given", ["often", True, 0])
def test_other_replicates_of_a_sweep_are_refused(gansweep, tmp_path, given):
    file = write(tmp_path / "doses.yaml", data_set="images", arms=ARMS, replicates=given)
    status, _, complaint = gansweep("sweep", file, "--out", tmp_path / "out")
    assert (status, complaint) == (2, f"gansweep: {file}: replicates: {given!r} is not a number from 1 on, or auto\n")
