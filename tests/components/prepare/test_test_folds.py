"""Test folds: every image is tested once, whole groups in one fold, whatever the data set itself calls test."""

from pathlib import Path

import numpy as np
import pytest
from picture_files import write_classes

from components.contracts.errors import InputError
from components.contracts.imageset import ImageSet, read_imageset
from components.data_set.data_set import open_data_set
from components.prepare.prepare import PrepareSettings, prepare
from components.prepare.split import deal_test_folds


def prepared(root: Path, table: Path, fold: int, out: Path) -> tuple[ImageSet, ImageSet]:
    settings = PrepareSettings("malignant", image_size=16, test_folds=3, test_fold=fold)
    prepare(
        open_data_set(str(root), str(table)),
        settings,
        *(out / name for name in ("development_set", "test_set", "data_report", "page.html", "external_set")),
    )
    return read_imageset(out / "development_set"), read_imageset(out / "test_set")


def test_each_image_is_tested_once_with_its_whole_patient_and_learnt_from_in_all_other_folds(tmp_path):
    counts = {"train/benign": 24, "train/malignant": 18, "test/benign": 6, "test/malignant": 6}
    root = write_classes(tmp_path / "data", counts)
    images = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
    table = tmp_path / "table.csv"
    table.write_text("image,patient\n" + "".join(f"{path},{int(Path(path).stem) // 2}\n" for path in images))
    tested, learnt = [], []
    for fold in range(3):
        development, test = prepared(root, table, fold, tmp_path / f"out-{fold}")
        assert set(test.folds.tolist()) == {fold}
        assert set(development.folds.tolist()) == {0, 1, 2, 3, 4}
        assert not set(test.groups) & set(development.groups)
        assert {"train", "test"} == {path.partition("/")[0] for path in development.paths}
        tested += test.paths.tolist()
        learnt += development.paths.tolist()
    assert sorted(tested) == images
    assert sorted(learnt) == sorted(images * 2)


def test_a_class_with_fewer_groups_than_folds_is_refused():
    labels, groups = np.array([0] * 20 + [1] * 4), np.arange(24).astype(str)
    with pytest.raises(InputError, match=r"^test_folds: malignant has images of 4 pictures that differ.* at least 5"):
        deal_test_folds(labels, groups, ("benign", "malignant"), 5, seed=0)
