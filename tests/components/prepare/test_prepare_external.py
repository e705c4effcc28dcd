"""External test sets: read beside the data set, grouped, and free of what the data set shows."""

import json
import shutil

import numpy as np
import pytest
from picture_files import encoded, picture, write_classes

from components.contracts.errors import InputError
from components.contracts.imageset import read_imageset
from components.data_set.data_set import open_data_set
from components.data_set.external_test_sets import open_external_test_sets
from components.prepare.prepare import PrepareSettings, prepare

CLASSES = ("benign", "malignant")
NAMES = ("development_set", "test_set", "data_report", "page.html", "external_set")


@pytest.fixture
def own(tmp_path):
    counts = {"train/benign": 20, "train/malignant": 20, "test/benign": 6, "test/malignant": 6}
    return write_classes(tmp_path / "own", counts)


@pytest.fixture
def run(own, tmp_path):
    def call(external, **settings):
        out = tmp_path / "out"
        sets = open_external_test_sets(external, CLASSES, "malignant", 0.05)
        wanted = PrepareSettings("malignant", image_size=16, threads=2, **settings)
        prepare(open_data_set(str(own)), wanted, *(out / name for name in NAMES), sets)
        report = json.loads((out / "data_report" / "data_report.json").read_text())
        return read_imageset(out / "external_set"), report, (out / "page.html").read_text()

    return call


@pytest.fixture
def elsewhere(tmp_path):
    """A set from elsewhere, of folders of its own making; 5000 is the first of its pictures."""
    return write_classes(tmp_path / "elsewhere", {"train/benign": 8, "test/benign": 4, "test/malignant": 6}, 5000)


def test_without_external_test_sets_their_image_set_is_empty(run):
    found, report, _ = run({})
    assert len(found) == 0
    assert found.image_size == 16
    assert report["external_test_sets"] == []


def test_all_images_of_several_sets_are_taken_under_their_names(run, elsewhere, tmp_path):
    other = write_classes(tmp_path / "other", {"benign": 3, "malignant": 2}, 9000)
    found, report, page = run({"hospital_b": str(elsewhere), "archive": str(other)})
    parts = found.by_split()
    assert {name: images.counts() for name, images in parts.items()} == {
        "hospital_b": {"benign": 12, "malignant": 6},
        "archive": {"benign": 3, "malignant": 2},
    }
    assert [one["counts"] for one in report["external_test_sets"]] == [part.counts() for part in parts.values()]
    assert len(np.unique(found.groups)) == 23
    assert all(str(group).startswith(split) for group, split in zip(found.groups, found.splits, strict=True))
    assert "External test set hospital_b" in page


def test_what_the_data_set_shows_is_left_out_with_its_group(run, own, elsewhere):
    shutil.copy(own / "train/benign/000.png", elsewhere / "train/benign/copy.png")
    turned = picture(45).rotate(90)  # 20 + 20 + 6 pictures come before those of test/malignant
    (elsewhere / "test/malignant/turned.png").write_bytes(encoded(turned))
    rows = ["image,patient", "train/benign/copy,p1", "train/benign/000,p1", "train/benign/001,p2"]
    (elsewhere / "table.csv").write_text("\n".join(rows))
    found, report, _ = run({"b": {"images": str(elsewhere), "table": str(elsewhere / "table.csv")}})
    left = {"train/benign/copy.png", "train/benign/000.png", "test/malignant/turned.png"}
    assert left.isdisjoint(found.paths.tolist())
    assert len(found) == 17
    shared = report["external_test_sets"][0]["shared"]
    assert {key: shared[key] for key in ("images", "like_development", "like_test", "dropped")} == {
        "images": 3,
        "like_development": 1,
        "like_test": 1,
        "dropped": 3,
    }
    assert {(pair["external"], pair["own"]) for pair in shared["pairs"]} == {
        ("train/benign/copy.png", "train/benign/000.png"),
        ("test/malignant/turned.png", "test/benign/005.png"),
    }
    assert any(
        "external test set b: 3 images in groups that the data set has too" in line for line in report["warnings"]
    )


def test_they_stay_where_that_is_wanted_and_are_refused_where_they_must_not_be(run, own, elsewhere):
    shutil.copy(own / "train/benign/000.png", elsewhere / "train/benign/copy.png")
    found, report, _ = run({"b": str(elsewhere)}, on_leak="keep")
    assert "train/benign/copy.png" in found.paths.tolist()
    assert report["external_test_sets"][0]["shared"]["dropped"] == 0
    with pytest.raises(InputError, match=r"on_leak: 1 image of the external test set b .* train/benign/copy.png with"):
        run({"b": str(elsewhere)}, on_leak="fail")


def test_patients_of_two_hospitals_are_not_one_for_their_number(run, own, elsewhere):
    (elsewhere / "table.csv").write_text("image,patient\ntrain/benign/000,1\ntrain/benign/001,1\n")
    (own / "table.csv").write_text("image,patient\ntrain/benign/000,1\n")
    found, report, _ = run({"b": {"images": str(elsewhere), "table": str(elsewhere / "table.csv")}})
    assert report["external_test_sets"][0]["shared"]["images"] == 0
    assert len(np.unique(found.groups)) == len(found) - 1


def test_one_picture_under_two_labels_is_left_out(run, elsewhere):
    shutil.copy(elsewhere / "train/benign/000.png", elsewhere / "test/malignant/other.png")
    found, report, _ = run({"b": str(elsewhere)})
    assert len(found) == 17
    assert report["external_test_sets"][0]["conflicts"] == {"images": 2, "dropped": 2, "policy": "drop"}


def test_a_set_of_which_nothing_is_left_is_refused(run, own):
    with pytest.raises(InputError, match="external_test_sets: b: of 52 images, 52 are in the data set too"):
        run({"b": str(own)})


@pytest.fixture
def in_bucket(own, elsewhere, bucket):
    """The set from elsewhere in object storage, with a copy of an image of the data set, and its table of patients."""
    shutil.copy(own / "train/benign/000.png", elsewhere / "train/benign/copy.png")
    (elsewhere / "table.csv").write_text("image,patient\ntrain/benign/copy,p1\ntrain/benign/000,p1\n")
    for path in sorted(file for file in elsewhere.rglob("*") if file.is_file()):
        bucket.write(f"b/{path.relative_to(elsewhere)}", path)
    return {"images": f"{bucket.address}/b", "table": f"{bucket.address}/b/table.csv"}


def test_a_set_in_a_bucket_is_what_it_is_on_a_disk_and_the_same_in_every_test_fold(run, elsewhere, in_bucket):
    given = {"images": str(elsewhere), "table": str(elsewhere / "table.csv")}
    here, there = (run({"b": one})[:2] for one in (given, in_bucket))
    folds = [run({"b": in_bucket}, test_folds=2, test_fold=number)[:2] for number in (0, 1)]
    assert len(here[0]) == 17
    for found, report in (there, *folds):
        (one,) = report["external_test_sets"]
        assert found.digest() == here[0].digest()
        assert one["digest"] == here[1]["external_test_sets"][0]["digest"]
        assert (one["shared"]["images"], one["shared"]["dropped"]) == (2, 2)


@pytest.mark.parametrize("folds", [1, 2])
def test_a_set_in_a_bucket_that_shares_images_is_refused_where_it_must_not(run, in_bucket, folds):
    with pytest.raises(InputError, match=r"on_leak: 2 images of the external test set b .* train/benign/copy.png with"):
        run({"b": in_bucket}, on_leak="fail", test_folds=folds)
    found, report, _ = run({"b": in_bucket}, on_leak="keep", test_folds=folds)
    assert len(found) == 19
    assert report["external_test_sets"][0]["shared"]["dropped"] == 0
