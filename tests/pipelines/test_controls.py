"""Controls: what must help is found to help, and what can't does not."""

import json
import subprocess
from pathlib import Path

import pytest
from controls import write_controls
from small_run import command

from components.data_set.data_set import open_data_set
from pipelines.phantoms.write import write_phantoms

ARMS = [
    "held_back:800%",
    "noise:100%",
    "other_classes:100%",
    "training_copies:100%",
    "test_copies:200%",
    "test_blends:200%",
]
SETTINGS = {
    "classifier": "pretrained",
    "image_size": 32,
    "replicates": 10,
    "bootstrap_resamples": 100,
}


@pytest.fixture(scope="module")
def controls(tmp_path_factory) -> Path:
    """Phantoms, of which a tenth is learnt from."""
    folder = tmp_path_factory.mktemp("controls")
    write_phantoms(folder / "phantoms", per_class=240, test_per_class=100, size=32)
    write_controls(open_data_set(str(folder / "phantoms")), folder / "made", share=0.1)
    return folder / "made"


def run(controls: Path, out: Path, *arms: str, on_leak: str) -> subprocess.CompletedProcess:
    sources = dict.fromkeys(arm.partition(":")[0] for arm in arms)
    sets = [word for name in sources for word in ("--synthetic", f"{name}={controls / name}")]
    words = command(
        "--data", controls / "data", "--out", out, *sets, arms=",".join(["real", *arms]), on_leak=on_leak, **SETTINGS
    )
    return subprocess.run(words, capture_output=True, text=True, timeout=600)


def test_what_must_help_is_found_to_help_and_what_cannot_or_must_not_is_not(controls, tmp_path):
    done = run(controls, tmp_path / "run", *ARMS, on_leak="keep")
    assert done.returncode == 0, done.stdout + done.stderr
    verdict = json.loads((tmp_path / "run" / "verdict.json").read_text())
    verdicts = {arm["arm"]: arm["against_real"]["verdict"] for arm in verdict["arms"] if arm["against_real"]}
    assert verdicts["held_back:800%"] == "helps"
    assert verdicts["other_classes:100%"] == "hurts"
    assert verdicts["noise:100%"] != "helps"
    assert verdicts["training_copies:100%"] != "helps"
    assert verdicts["test_copies:200%"] == "no verdict"
    assert verdicts["test_blends:200%"] == "no verdict"
    said = verdict["answer"].partition("Yes, these pictures help")[0]  # before any verdict
    assert "test_copies holds near-copies of test images: 200 of its 200 pictures" in said
    assert "test_blends has probably seen the test set" in said
    findings = {(source["source"], found["kind"]) for source in verdict["sources"] for found in source["findings"]}
    assert ("other_classes", "labels") in findings
    assert ("test_blends", "knows_the_test_set") in findings
    assert ("noise", "far_off") in findings
    assert ("held_back", "far_off") not in findings
    assert ("held_back", "labels") not in findings
    assert verdict["recommendation"]["arm"] == "held_back:800%"
    report = next((tmp_path / "run").glob("artifacts/*/audit/audit_report/audit.json"))
    flagged = {row["generator"]: 0 for row in json.loads(report.read_text())["memorisation"]}
    for row in json.loads(report.read_text())["memorisation"]:
        flagged[row["generator"]] += row["flagged"]
    assert flagged["training_copies-0"] >= 0.8 * 48 * 0.8  # of 24 a class, four fifths outside a fold
    assert flagged["noise-0"] == 0


def test_copies_of_test_images_are_caught_before_any_training(controls, tmp_path):
    done = run(controls, tmp_path / "run", "test_copies:100%", on_leak="drop")
    assert done.returncode == 1
    assert "test_copies holds nothing but copies of the test images" in done.stderr
    assert "train_classifier" not in done.stdout
