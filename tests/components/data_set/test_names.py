import pytest

from components.data_set.names import match_names

PATHS = ["train/benign/1.jpg", "train/benign/2.jpg", "test/malignant/2.jpg", "test/malignant/ISIC_7.JPG"]


def matched(*names: str, paths: list[str] = PATHS) -> list[int]:
    return list(match_names(names, paths).rows)


@pytest.mark.parametrize(
    "name",
    [
        "ISIC_7",
        "isic_7.jpg",
        "ISIC_7.png",
        " test/malignant/ISIC_7.jpg ",
        "./test/malignant/isic_7",
        "malignant\\ISIC_7.jpg",
        "C:\\data\\images\\test\\malignant\\ISIC_7.jpg",
        "/home/me/images/test/malignant/ISIC_7.jpg",
        "HAM10000_images_part_1/ISIC_7.jpg",
    ],
)
def test_a_name_means_an_image_whatever_its_case_ending_and_folders(name):
    assert matched(name) == [3]


def test_names_that_fit_nothing_are_told():
    assert matched("ISIC_8", "", "ISIC_7.jpg.bak", "1.jpg") == [-1, -1, -1, 0]


def test_a_name_of_two_images_is_ambiguous():
    found = match_names(["2.jpg", "malignant/2"], PATHS)
    assert found.rows == (-1, 2)
    assert found.ambiguous == ((0, (1, 2)),)


def test_a_path_never_means_an_image_in_another_folder_of_the_table():
    assert matched("train/benign/5.jpg", "test/benign/5.jpg", paths=["train/benign/5.jpg"]) == [0, -1]


def test_endings_and_case_tell_apart_what_else_is_the_same():
    assert matched("a/1.png", "a/1.jpg", paths=["a/1.jpg", "a/1.png"]) == [1, 0]
    assert matched("a/X.jpg", "a/x.jpg", paths=["a/X.jpg", "a/x.jpg"]) == [0, 1]


def test_accents_are_the_same_however_they_are_written():
    assert matched("la\u0308sion.jpg", paths=["l\u00e4sion.jpg"]) == [0]


def test_dots_in_names_are_no_endings():
    assert matched("scan.1", "scan.2", paths=["a/scan.2.png", "a/scan.1.png"]) == [1, 0]
