"""Files that differ in kind between the classes are told: they may be told apart by that alone."""

import pytest
from picture_files import encoded, picture, write_classes

from components.data_set.data_set import open_data_set
from components.pictures.reading import read_images
from components.prepare.kinds import telling_kinds


@pytest.fixture
def root(tmp_path):
    return write_classes(tmp_path, {"benign": 10, "malignant": 10})


def told(root) -> list[str]:
    return telling_kinds(read_images(open_data_set(str(root)), 16, 1))


def test_classes_of_the_same_kind_of_files_are_not_spoken_of(root):
    (root / "benign" / "000.png").write_bytes(encoded(picture(0).convert("L")))
    assert told(root) == []


def test_a_class_of_grey_pictures_beside_one_in_colour_is_told(root):
    for number in range(9):
        (root / "malignant" / f"{number:03}.png").write_bytes(encoded(picture(50 + number).convert("L")))
    assert told(root) == [
        "90% of the files of malignant are converted, grey to RGB, of benign 0%: a classifier may tell the classes "
        "by how the files were made"
    ]


def test_classes_of_different_formats_are_told(root):
    for number in range(10):
        (root / "benign" / f"{number:03}.png").unlink()
        (root / "benign" / f"{number:03}.JPEG").write_bytes(encoded(picture(50 + number), "JPEG"))
    assert [line.partition(":")[0] for line in told(root)] == [
        "100% of the files of benign are named .jpg, of malignant 0%",
        "100% of the files of malignant are named .png, of benign 0%",
    ]
