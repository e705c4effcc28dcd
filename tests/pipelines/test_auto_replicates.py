"""`gansweep run --replicates auto`: a pilot beside the run, then the run with as many as it takes."""

import json
import shutil

import pytest
import yaml
from small_run import SMALL, command


@pytest.fixture
def runs(monkeypatch, finished):
    """Let every run be the small one, and return the parameters that each was to have."""
    asked = []

    def run(folder, view, cells, runner):
        asked.append(yaml.safe_load((folder / "parameters.yaml").read_text()))
        kept = shutil.ignore_patterns("parameters.yaml")
        shutil.copytree(finished[0], folder, ignore=kept, dirs_exist_ok=True)
        verdict = json.loads((finished[0] / "verdict.json").read_text())
        verdict["parameters"] |= asked[-1]
        for arm in verdict["arms"][1:]:
            arm["against_real"]["spread"] |= {"trainings": 0.01, "images": 0.015}
        (folder / "verdict.json").write_text(json.dumps(verdict))

    for place in ("pipelines.cli.replicates", "pipelines.local.run"):
        monkeypatch.setattr(f"{place}.run_locally", run)
    return asked


def test_the_pilot_decides_and_is_not_repeated(gansweep, runs, phantoms, tmp_path):
    words = command("--data", phantoms, "--out", tmp_path / "run", **SMALL)[3:]
    status, said, _ = gansweep(*words, "--replicates", "auto")
    assert status == 0
    pilot, whole = runs
    assert (pilot["replicates"], pilot["replicates_why"]) == (5, "")
    assert whole["replicates"] == 9  # 5 * (0.01 / 0.015)^2 / 0.25
    assert whole["replicates_why"] in " ".join(said.split())
    assert {**whole, "replicates": 5, "replicates_why": ""} == pilot
    shutil.rmtree(tmp_path / "run")
    gansweep(*words, "--replicates", "auto")
    assert [one["replicates"] for one in runs] == [5, 9, 9]


def test_a_word_that_is_no_number_is_refused(gansweep, phantoms, tmp_path):
    words = command("--data", phantoms, "--out", tmp_path / "run", **SMALL)[3:]
    status, _, complaint = gansweep(*words, "--replicates", "many")
    assert (status, complaint) == (2, "gansweep: --replicates: 'many' is neither a number nor auto\n")
