import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from picture_files import encoded, picture, write_classes
from PIL import Image

from components.contracts.errors import InputError
from components.contracts.imageset import ImageSet, read_imageset
from components.data_set.data_set import open_data_set
from components.prepare.prepare import PrepareSettings, prepare


class Prepared:
    """What one run of the stage has written."""

    def __init__(self, folder: Path):
        self.development: ImageSet = read_imageset(folder / "development_set")
        self.test: ImageSet = read_imageset(folder / "test_set")
        self.report: dict = json.loads((folder / "data_report" / "data_report.json").read_text())
        self.page: str = (folder / "page.html").read_text()


@pytest.fixture
def run(tmp_path):
    def call(root: Path, table: str | Path = "", table_columns: dict | None = None, **settings) -> Prepared:
        out = tmp_path / "out"
        data_set = open_data_set(str(root), str(table), table_columns)
        prepare(
            data_set,
            PrepareSettings(**{"positive_class": data_set.classes[-1], "image_size": 16, "threads": 2, **settings}),
            *(out / name for name in ("development_set", "test_set", "data_report", "page.html", "external_set")),
        )
        return Prepared(out)

    return call


@pytest.fixture
def root(tmp_path):
    """A data set with a given test set."""
    counts = {"train/benign": 24, "train/malignant": 16, "test/benign": 6, "test/malignant": 6}
    return write_classes(tmp_path / "data", counts)


def test_a_given_test_set_stays_as_it_is(run, root):
    result = run(root)
    assert result.report["counts"] == {
        "development": {"benign": 24, "malignant": 16},
        "test": {"benign": 6, "malignant": 6},
    }
    assert all(path.startswith("test/") for path in result.test.paths)
    assert set(result.test.splits) == {"test"}
    assert set(result.test.folds.tolist()) == {-1}
    assert set(result.development.splits) == {"development"}
    assert set(result.development.folds.tolist()) == {0, 1, 2, 3, 4}
    assert sorted(result.development.paths.tolist()) == result.development.paths.tolist()
    assert result.report["leaks"]["test_images"] == 0
    assert result.development.positive_class == result.test.positive_class == "malignant"


def test_each_row_holds_the_pixels_of_its_path(run, root):
    for imageset in (run(root).development, run(root).test):
        for row in range(0, len(imageset), 7):
            with Image.open(root / imageset.paths[row]) as image:
                expected = np.asarray(image.resize((16, 16), Image.Resampling.LANCZOS)).astype(int)
            assert np.abs(imageset.images[row] - expected).max() <= 6
            assert imageset.classes[imageset.labels[row]] in imageset.paths[row]


def test_without_a_test_folder_a_test_set_is_drawn(run, tmp_path):
    result = run(write_classes(tmp_path / "data", {"benign": 50, "malignant": 30, "other": 20}), test_share=0.3)
    assert result.report["counts"]["test"] == {"benign": 15, "malignant": 9, "other": 6}
    assert not set(result.test.paths) & set(result.development.paths)
    assert len(result.test) + len(result.development) == 100


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_split(run, tmp_path):
    root = write_classes(tmp_path / "data", {"benign": 30, "malignant": 30})
    first = run(root, seed=1)
    first_bytes = {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*.*") if path.is_file()}
    run(root, seed=1, threads=1)
    assert first_bytes == {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*.*") if path.is_file()}
    assert run(root, seed=2).test.paths.tolist() != first.test.paths.tolist()


def plant_leaks(root: Path) -> None:
    """Put a flipped, recompressed copy of one test image and an exact copy of another into train/."""
    with Image.open(root / "test/malignant/001.png") as image:
        copy = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).transpose(Image.Transpose.ROTATE_90)
        copy.save(root / "train/malignant/turned.jpg", quality=60)
    shutil.copy(root / "test/benign/002.png", root / "train/benign/copied.png")


def test_planted_leaks_are_found_and_dropped(run, root):
    plant_leaks(root)
    result = run(root)
    assert result.report["leaks"] == {
        "test_images": 2,
        "development_images": 2,
        "by_group_table": 0,
        "by_near_duplicate": 2,
        "dropped": 2,
        "policy": "drop",
    }
    assert result.report["counts"]["development"] == {"benign": 24, "malignant": 16}
    assert not {"train/malignant/turned.jpg", "train/benign/copied.png"} & set(result.development.paths)
    assert len(result.test) == 12
    (near,) = result.report["near_duplicates"]
    assert (near["a"], near["b"]) == ("test/malignant/001.png", "train/malignant/turned.jpg")
    assert 0.99 < near["correlation"] < 1
    assert near["across_splits"]
    (exact,) = result.report["exact_duplicates"]
    assert (exact["a"], exact["b"]) == ("test/benign/002.png", "train/benign/copied.png")
    assert len(result.report["worst_pairs"]) == 2
    assert not set(result.development.groups) & set(result.test.groups)


def test_planted_leaks_are_kept_on_request(run, root):
    plant_leaks(root)
    result = run(root, on_leak="keep")
    assert result.report["leaks"]["test_images"] == 2
    assert result.report["leaks"]["dropped"] == 0
    assert {"train/malignant/turned.jpg", "train/benign/copied.png"} <= set(result.development.paths)


def test_planted_leaks_stop_the_run_on_request(run, root):
    plant_leaks(root)
    with pytest.raises(InputError) as caught:
        run(root, on_leak="fail")
    assert str(caught.value).startswith(
        "on_leak: 2 test images share a group with 2 development images, "
        "first test/benign/002.png with train/benign/copied.png; "
    )


def test_no_leak_passes_where_leaks_stop_the_run(run, root):
    assert run(root, on_leak="fail").report["leaks"]["test_images"] == 0


def test_a_table_of_lesions_shows_leaks_that_pixels_do_not(run, root, tmp_path):
    table = tmp_path / "lesions.csv"
    table.write_text(
        "image,lesion_id\ntrain/benign/000.png,L1\ntest/benign/000.png,L1\ntest/benign/001.png,L1\n"
        "train/malignant/003.png,L2\ntrain/malignant/004.png,L2\n"
    )
    result = run(root, table)
    assert result.report["leaks"]["by_group_table"] == result.report["leaks"]["test_images"] == 2
    assert result.report["leaks"]["by_near_duplicate"] == 0
    assert result.report["leaks"]["dropped"] == 1
    assert result.report["groups"] == {"given": True, "count": 52 - 3, "unlisted": 47, "largest": 3}
    development = result.development
    folds = development.folds[development.groups == "L2"]
    assert len(folds) == 2
    assert len(set(folds.tolist())) == 1


def test_a_drawn_test_set_and_the_folds_never_cut_a_group(run, tmp_path):
    root = write_classes(tmp_path / "data", {"benign": 40, "malignant": 40})
    for name in ("benign", "malignant"):
        for i in range(10):
            with Image.open(root / name / f"{i:03}.png") as image:
                image.rotate(90).save(root / name / f"copy-{i}.jpg", quality=70)
    result = run(root)
    assert result.report["near_duplicate_count"] == 20
    assert result.report["leaks"]["test_images"] == 0
    assert not set(result.test.groups) & set(result.development.groups)
    for group in set(result.development.groups):
        assert len(set(result.development.folds[result.development.groups == group].tolist())) == 1


def test_conflicting_labels_are_reported(run, root):
    shutil.copy(root / "train/benign/003.png", root / "train/malignant/same.png")
    with Image.open(root / "train/benign/004.png") as image:
        image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(root / "train/malignant/similar.jpg", quality=70)
    report = run(root).report
    assert report["conflicting_label_count"] == 2
    assert {(entry["a"], entry["b"]) for entry in report["conflicting_labels"]} == {
        ("train/benign/003.png", "train/malignant/same.png"),
        ("train/benign/004.png", "train/malignant/similar.jpg"),
    }
    assert not any(entry["same_label"] for entry in report["conflicting_labels"])
    assert [line.partition(",")[0] for line in report["warnings"]] == [
        "2 images with equal pixels under two labels",
        "1 pair of near-duplicates under different labels",
    ]


def test_bad_files_are_left_out_and_listed(run, root):
    (root / "train/benign/000.png").write_bytes(b"")
    (root / "test/malignant/notes.txt").write_text("seen twice")
    result = run(root, max_bad_share=0.2)
    assert [entry["path"] for entry in result.report["refused"]] == [
        "test/malignant/notes.txt",
        "train/benign/000.png",
    ]
    assert result.report["refused"][1]["reason"] == "empty: the file has zero bytes"
    assert result.report["files"] == 53
    assert result.report["counts"]["development"]["benign"] == 23


def test_the_digest_is_of_the_data_not_of_the_settings(run, root):
    digest = run(root).report["digest"]
    assert run(root, seed=5, near_duplicate_correlation=0.9, on_leak="keep").report["digest"] == digest
    (root / "train/benign/000.png").write_bytes(encoded(picture(999)))
    assert run(root).report["digest"] != digest


def refusal(run, root: Path, **settings) -> str:
    out = root.parent / "out"
    with pytest.raises(InputError) as caught:
        run(root, **settings)
    assert not out.exists(), "something was written"
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_too_many_bad_files_stop_the_run(run, root):
    for i in range(3):
        (root / f"train/benign/{i:03}.png").write_bytes(b"broken")
    message = refusal(run, root)
    assert message.startswith(
        "data_set: 3 of 30 files of class 'benign' (10.0%) can't be used, more than max_bad_share"
    )
    assert "(5.0%); the first is train/benign/000.png: not an image that can be read" in message
    assert run(root, max_bad_share=0.1).report["counts"]["development"]["benign"] == 21


def test_a_single_class_is_refused(run, tmp_path):
    message = refusal(run, write_classes(tmp_path / "data", {"train/benign": 9, "test/benign": 3}))
    assert "only one class, 'benign', is there" in message


def test_a_class_missing_on_one_side_is_refused(run, tmp_path):
    root = write_classes(tmp_path / "data", {"train/a": 9, "train/b": 9, "test/a": 3})
    assert "class 'b' has no images under test/" in refusal(run, root)
    shutil.move(root / "train/b", root / "test/b")
    assert "class 'b' has no images under train/" in refusal(run, root)


def test_a_class_with_no_readable_image_is_refused(run, tmp_path):
    root = write_classes(tmp_path / "data", {"train/a": 9, "train/b": 9, "test/a": 3, "test/b": 2})
    for path in (root / "test/b").iterdir():
        path.write_bytes(b"")
    assert refusal(run, root, max_bad_share=0.5).startswith("data_set: no file of b in test/ is an image")
    for path in (root / "train/b").iterdir():
        path.write_bytes(b"")
    shutil.rmtree(root / "test")
    assert refusal(run, root, max_bad_share=0.5).startswith("data_set: 9 of 9 files of class 'b' (100.0%)")


def test_a_class_smaller_than_a_batch_is_refused_before_any_file_is_read(run, root, capsys):
    message = refusal(run, root, smallest_class=20)
    assert message.startswith("gan_batch_size: malignant has 16 images to learn from, a batch needs 20; lower")
    assert capsys.readouterr().out == ""


def test_images_held_out_for_validation_do_not_count_for_a_batch(run, root):
    assert refusal(run, root, smallest_class=14).startswith("gan_batch_size: malignant has 12 images to learn from")
    run(root, smallest_class=12)


def test_a_class_whose_every_image_leaks_is_refused(run, root):
    shutil.rmtree(root / "train/malignant")
    shutil.copytree(root / "test/malignant", root / "train/malignant")
    assert refusal(run, root).startswith("on_leak: every development image of malignant shares a group")


def test_settings_that_do_not_fit_the_data_are_refused(run, root):
    assert refusal(run, root, positive_class="melanoma").startswith("positive_class: 'melanoma' is not one of")
    assert refusal(run, root, on_leak="ignore").startswith("on_leak: 'ignore' is not a policy; choose drop, keep, fail")
    assert refusal(run, root, table="/nowhere.csv").startswith("table: /nowhere.csv: there is no such file")
