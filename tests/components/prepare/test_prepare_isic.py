"""Measured truth on the ISIC set; skipped where it isn't at hand."""

import json
import os
from pathlib import Path

import pytest

from components.contracts.imageset import read_imageset
from components.data_set.data_set import open_data_set
from components.prepare.prepare import PrepareSettings, prepare

ROOT = Path(__file__).parents[3]
ISIC = Path(os.environ.get("GANSWEEP_TEST_ISIC", ROOT / "../shared/data/isic-malignant-vs-benign")).resolve()
LESIONS = ISIC.parent / "overlap-with-ham10000.csv"

pytestmark = pytest.mark.skipif(
    not LESIONS.is_file() or not ISIC.is_dir(), reason="the ISIC set is not here; name its folder in GANSWEEP_TEST_ISIC"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("isic")
    settings = PrepareSettings(positive_class="malignant", smallest_class=128)
    names = ("development_set", "test_set", "data_report", "page.html", "external_set")
    prepare(open_data_set(str(ISIC), str(LESIONS)), settings, *(folder / name for name in names))
    return folder


@pytest.fixture(scope="module")
def report(folder):
    return json.loads((folder / "data_report" / "data_report.json").read_text())


def test_all_files_are_read(report):
    assert report["files"] == 3297
    assert report["refused"] == []
    assert report["counts"]["test"] == {"benign": 360, "malignant": 300}


def test_the_exact_pair_is_found(report):
    assert [(pair["a"], pair["b"]) for pair in report["exact_duplicates"]] == [
        ("train/malignant/768.jpg", "train/malignant/769.jpg")
    ]


def test_the_14_nearly_identical_test_images_are_found(report):
    assert report["leaks"]["by_near_duplicate"] == 14
    closest = report["near_duplicates"][0]
    assert (closest["a"], closest["b"]) == ("test/malignant/507.jpg", "train/malignant/439.jpg")
    assert closest["correlation"] == pytest.approx(0.9999, abs=1e-4)
    assert report["conflicting_labels"] == []


def test_the_97_test_images_whose_lesion_is_in_train_are_found(report):
    assert report["leaks"]["by_group_table"] == 97
    assert report["leaks"]["test_images"] >= 97


def test_no_lesion_is_left_on_both_sides(folder, report):
    development, test = read_imageset(folder / "development_set"), read_imageset(folder / "test_set")
    assert len(development) == 2637 - report["leaks"]["dropped"]
    assert len(test) == 660
    assert not set(development.groups) & set(test.groups)


def test_the_leaking_lesions_are_those_that_were_counted_by_hand():
    files = open_data_set(str(ISIC), str(LESIONS)).files
    paths = [file.path for file in files]
    lesions = {file.path: file.group for file in files if file.group}
    learnt = {lesions[path] for path in paths if path.startswith("train/") and path in lesions}
    leaking = [path for path in paths if path.startswith("test/") and lesions.get(path) in learnt]
    assert sum("/malignant/" in path for path in leaking) == 72
    assert sum("/benign/" in path for path in leaking) == 25
