"""The check of imports that `make lint` runs (pyproject.toml): it holds here, and sees what it is for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"]


@pytest.fixture
def copy(tmp_path):
    """Return the folder of a copy of the code."""
    for folder in ("components", "pipelines"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def check(folder: Path) -> tuple[int, str]:
    done = subprocess.run(LINT, cwd=folder, capture_output=True, text=True, env={}, timeout=240)
    return done.returncode, done.stdout + done.stderr


def test_imports_go_one_way(copy):
    status, said = check(copy)
    assert status == 0, said


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("components.prepare.split", "components.plan.plan"),
        ("components.contracts.arms", "components.data_set.data_set"),
        ("components.compare.compare", "pipelines.digest"),
        ("components.plan.plan", "torch"),
        ("components.evaluate.views", "safetensors"),
        ("components.train_gan.train", "keras"),
        ("pipelines.local.run", "pipelines.cluster.submit"),
    ],
)
def test_an_import_against_the_layers_is_found(copy, importer, imported):
    with (copy / importer.replace(".", "/")).with_suffix(".py").open("a") as file:
        file.write(f"\nimport {imported}\n")
    status, said = check(copy)
    assert status == 1
    assert f"{importer} -> {imported}" in said


def test_a_folder_that_is_in_no_layer_is_found(copy):
    (copy / "components" / "another").mkdir()
    (copy / "components" / "another" / "__init__.py").touch()
    status, said = check(copy)
    assert status == 1
    assert "another" in said
