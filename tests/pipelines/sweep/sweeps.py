"""What tests of sweeps share: their files, planned or run by the command line."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml

from components.contracts.imageset import read_imageset, write_imageset
from components.contracts.metrics import scores
from pipelines.runs.artifacts import evaluations_of
from pipelines.sweep.carry_out import run_folder
from pipelines.sweep.file import read_sweep_file
from pipelines.sweep.folds import lay_out_folds
from pipelines.sweep.plan import Sweep, lay_out

AGREED = {"real_identical": True, "real_differs_by": 0.0}


def write(path: Path, **keys: object) -> Path:
    path.write_text(yaml.safe_dump(keys, sort_keys=False))
    return path


def laid_out(tmp_path: Path, **keys: object) -> Sweep:
    given = {"data_set": "images", "preset": "paper", "ratios": ["50%"], **keys}  # one GAN a class
    file = read_sweep_file(write(tmp_path / "doses.yaml", **given))
    return lay_out(file, classes=2)


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "pipelines", "sweep", *map(str, words)]


def gansweep(*words: object) -> subprocess.CompletedProcess:
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=120)


def make_fold(folder: Path, number: int) -> None:
    """Make a finished run the one of a test fold, with test images of its own."""
    (place,) = folder.glob("artifacts/*/prepare/test_set")
    test = read_imageset(place)
    paths = np.char.add(f"{number}/", test.paths)
    test = replace(test, images=test.images.copy(), paths=paths, folds=np.full(len(test), number))
    write_imageset(place, test)
    for evaluation in evaluations_of(folder):
        path = evaluation / "evaluation.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"test_set_digest": test.digest()}))


def two_folds_of(run: Path, folder: Path) -> Sweep:
    """Lay out a run over two test folds in `folder`, both finished: copies of `run`, each with its own test images."""
    folds = lay_out_folds("folds", yaml.safe_load((run / "parameters.yaml").read_text()) | {"test_folds": 2}, gans=2)
    for number, fold in enumerate(folds.runs):
        shutil.copytree(run, run_folder(folder, fold))
        make_fold(run_folder(folder, fold), number)
    return folds


def add_external(folder: Path) -> None:
    """Let a finished run have been evaluated on an external test set `b` as well: its test images, under other names.

    All models are mostly wrong, at home and there, but those of traditional+gan:50%, which are always right there:
    whatever was trained, on whatever machine, its arm helps there alone.
    """
    (prepared,) = folder.glob("artifacts/*/prepare")
    test = read_imageset(prepared / "test_set")
    external = replace(
        test,
        images=test.images.copy(),
        paths=np.char.add("b/", test.paths),
        splits=np.full(len(test), "b"),
        folds=np.full(len(test), -1),
    )
    write_imageset(prepared / "external_set", external)
    for evaluation in evaluations_of(folder):
        path = evaluation / "evaluation.json"
        about = json.loads(path.read_text())
        wrong = 0.4 * (1 - test.labels) + 0.6 * np.random.default_rng(0).random(len(test))  # alike in all trainings
        there = test.labels if about["arm"] == "traditional+gan:50%" else wrong
        for name, p in (("probabilities.npy", wrong), ("external.npy", there)):
            each = np.stack([1 - p, p], axis=1).astype(np.float32)
            np.save(path.with_name(name), np.tile(each, (len(about["replicates"]), 1, 1)))
        found = scores(np.stack([1 - wrong, wrong], axis=1), test.labels, test.classes.index(about["positive_class"]))
        for replicate in about["replicates"]:
            replicate |= {name: float(value[0]) for name, value in found.items()} | {"threshold": 0.7}
        path.write_text(json.dumps(about | {"external_set_digest": external.digest()}))
    entry = {"name": "b", "data_set": "b", "notice": "", "digest": "e", "counts": external.counts()}
    entry |= {"groups": len(external), "lacking": [], "refused": [], "warnings": []}
    shared = {"images": 0, "like_development": 0, "like_test": 0, "dropped": 0, "policy": "drop", "pairs": []}
    _add(prepared / "data_report" / "data_report.json", external_test_sets=[entry | {"shared": shared}])
    (copies,) = folder.glob("artifacts/*/synthesize/synthetic_report/copies.json")
    found = {"source": "gan", "images": 50, "copies": 0, "left_out": 0}
    _add(copies, external={"b": {"generators": [found]}})
    counted = {"source": "gan", "pictures": 50, "found": 0, "dropped": 0, "kept": 0}
    for path in (folder / "verdict.json", *folder.glob("artifacts/*/compare/verdict")):
        _add(path, external_test_sets=[entry | {"answer": "", "copies": [counted]}])


def _add(path: Path, **content: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | content))
