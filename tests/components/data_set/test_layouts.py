"""Folders as people hand them over: what each is taken for, what is said of it, and what is refused."""

import shutil
from pathlib import Path

import pytest
from numbered_files import numbered

from components.contracts.errors import InputError
from components.data_set.checks import check_files, listed_reasons, listed_warnings
from components.data_set.data_set import DataSet, open_data_set


def refusal(root: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_data_set(str(root))
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(root), "ROOT")


def splits(data_set: DataSet) -> dict[str, int]:
    return {split: sum(file.split == split for file in data_set.files) for split in ("train", "test", "")}


def two(folder: str, count: int = 3, classes=("benign", "malignant")) -> list[str]:
    return [path for name in classes for path in numbered(f"{folder}/{name}".strip("/"), count)]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        *[("train", "test"), ("Train", "Test"), ("TRAIN", "TEST"), ("Training", "Testing")],
        *[("train_set", "test_set"), ("Train Data", "Test Data"), ("training-images", "testset")],
    ],
)
def test_splits_may_be_written_in_any_way(lay, train, test):
    data_set = open_data_set(str(lay(two(train), two(test, 2))))
    assert splits(data_set) == {"train": 6, "test": 4, "": 0}
    assert data_set.classes == ("benign", "malignant")
    assert data_set.warnings == ()


@pytest.mark.parametrize("name", ["val", "Valid", "validation"])
def test_a_validation_folder_joins_what_is_learnt_from_and_is_told(lay, name):
    data_set = open_data_set(str(lay(two("train"), two(name, 2), two("test", 1))))
    assert splits(data_set) == {"train": 10, "test": 2, "": 0}
    assert data_set.warnings == (f"4 images of {name}/ join what is learnt from",)


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (
            [*two("train/train"), *two("test/test")],
            "ROOT/test: the folders of the classes stand in test/test/; move them up into test/",
        ),
        ([*two("archive/train"), *two("archive/test")], "give ROOT/archive (test, train)"),
        ([*two("archive/data"), "archive/labels.csv"], "give ROOT/archive/data (benign, malignant)"),
        ([*two(""), *two("brain_set")], "ROOT/brain_set: holds folders called like those beside it"),
        ([*two(""), *two("output")], "ROOT/output: holds folders called like those beside it"),
        ([*two("train"), *two("test"), *two("train/augmented")], "ROOT/train/augmented: holds folders called"),
        ([*two("train"), "test/1.png", "test/2.png"], "ROOT/test: holds 2 images but no folder of a class"),
        (two("", classes=("benign", "malignant", "test")), "has test/ but no train/"),
        ([*two("train"), *two("more")], "ROOT/more: stands beside train/"),
        ([*two("train"), *two("Training"), *two("test")], "Training/ and train/ both mean train/; make them one"),
        ([*two("benign", classes=("train", "test")), *two("malignant", classes=("train", "test"))], "put train/ and "),
        (
            [*two("train", classes=("Benign", "M")), *two("test", classes=("benign", "M"))],
            "'Benign', 'benign' differ in",
        ),
        (numbered("images_001", 3) + numbered("images_002", 3), "are parts of one collection, not classes; give a t"),
        ([*two(""), *two("set/train")], "ROOT/set/train: holds folders called like those beside it"),
        ([*two(""), *two("set", classes=("benign", "malignant", "other"))], "ROOT/set: holds folders called like"),
        ([*two(""), "benign/malignant/1.png"], "ROOT/benign: holds images and a folder called like another class"),
        (two("", classes=("b\u00e9", "be\u0301", "m")), "the way accents are stored"),
        (two("", classes=("benign", "benign ", "m")), "differ in nothing but capitals, blanks"),
        (["a.zip"], "ROOT/a.zip: is an archive; unpack it"),
        (["a.txt"], "holds no images"),
    ],
)
def test_folders_that_would_be_taken_for_something_else_are_refused(lay, paths, said):
    assert said in refusal(lay(paths))


def test_images_without_folders_are_refused_with_the_table_that_may_hold_their_labels(lay):
    root = lay(numbered("", 3), "labels.csv")
    assert "holds 3 images but no folder of a class" in refusal(root)
    assert refusal(root).endswith("--set table=ROOT/labels.csv")


def test_an_archive_given_as_data_set_is_to_be_unpacked(lay):
    with pytest.raises(InputError, match="is an archive; unpack it and give the folder"):
        open_data_set(str(lay("images.zip") / "images.zip"))


def test_an_empty_class_is_refused(lay):
    root = lay(two(""))
    (root / "normal").mkdir()
    assert "ROOT/normal: holds no images; fill or remove it" in refusal(root)


def test_litter_is_passed_over_and_told(lay):
    litter = ["__MACOSX/0.png", ".DS_Store", "benign/.DS_Store", "benign/._0.png", "benign/.ipynb_checkpoints/0.png"]
    litter += ["benign/Thumbs.db", "malignant/desktop.ini", "malignant/ATTRIBUTION.txt", "malignant/LICENSE.txt"]
    data_set = open_data_set(str(lay(two(""), litter)))
    assert [file.path for file in data_set.files] == two("")
    (warning,) = data_set.warnings
    assert warning.startswith("passed over what systems and tools leave behind: .DS_Store 2, ")


def test_what_is_no_image_by_its_name_counts_before_any_is_read(lay):
    data_set = open_data_set(str(lay(two(""), "benign/notes.txt", "benign/more.zip")))
    assert listed_reasons(data_set) == {
        "benign/more.zip": "not an image: an archive: unpack it first",
        "benign/notes.txt": "not an image: text",
    }
    assert listed_warnings(data_set) == [
        "2 files can't be used, first benign/more.zip: not an image: an archive: unpack it first"
    ]
    with pytest.raises(InputError, match=r"2 of 5 files of class 'benign' \(40.0%\) can't be used"):
        check_files(data_set, listed_reasons(data_set), 0.05)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("1.dcm", "DICOM: export it as PNG or JPEG first"),
        ("1.NII.gz", "a volume: export its slices as PNG first"),
        ("1.avif", "a format that isn't read"),
        ("1.npy", "an array: export its pictures"),
    ],
)
def test_formats_that_are_not_read_are_told_by_their_names_before_any_file_is_read(lay, name, reason):
    data_set = open_data_set(str(lay(two(""), f"benign/{name}")))
    assert listed_reasons(data_set)[f"benign/{name}"].startswith(f"not an image: {reason}")


def test_loose_images_beside_the_classes_are_told(lay):
    data_set = open_data_set(
        str(lay(two("train"), two("test"), "train/a.png", "test/b.png", "test/c.jpg", "a.png", "a.md"))
    )
    assert len(data_set.files) == 12
    assert data_set.warnings == (
        "left out 1 image at the top, in no folder of a class: a.png",
        "left out 2 images in test/, in no folder of a class: test/b.png, test/c.jpg",
        "left out 1 image in train/, in no folder of a class: train/a.png",
    )


def test_a_folder_in_a_class_of_its_own_name_is_no_copy(lay):
    data_set = open_data_set(str(lay(numbered("benign/benign", 3), numbered("malignant/malignant", 3))))
    assert [data_set.count(name, "") for name in data_set.classes] == [3, 3]


def test_folders_without_images_beside_train_are_passed_over_and_told(lay):
    data_set = open_data_set(str(lay(two("train"), two("test"), "docs/a.pdf")))
    assert data_set.warnings == ("passed over what holds no images beside train/: docs",)


def test_an_archive_beside_the_classes_is_told(lay):
    data_set = open_data_set(str(lay(two(""), "part_2.zip")))
    assert data_set.warnings == ("part_2.zip beside the folders is not read; if it holds more images, unpack it",)


@pytest.mark.parametrize("mask", ["benign/mask_0001.png", "masks/benign/0001.png", "benign/masks/1.png"])
def test_masks_are_told_wherever_they_stand(lay, mask):
    assert "1 file named like masks (" in open_data_set(str(lay(two(""), mask))).warnings[0]


def test_a_table_beside_the_classes_is_told(lay):
    data_set = open_data_set(str(lay(two(""), "metadata.csv")))
    assert data_set.warnings == ("metadata.csv beside the folders is not read, unless it is given as table",)


@pytest.mark.parametrize("mark", ["_mask", "_mask_1", "-seg", "_Segmentation", "_superpixels"])
def test_masks_are_told_with_their_pattern(lay, mark):
    data_set = open_data_set(str(lay(two(""), [path.replace(".png", f"{mark}.png") for path in two("", 2)])))
    (warning,) = data_set.warnings
    assert warning.startswith(f"4 files named like masks (NAME{mark} beside NAME: benign/0000{mark}.png, ")


def test_augmented_copies_are_told(lay):
    data_set = open_data_set(str(lay(two(""), "benign/0000_aug_1.png", "benign/augmented/0.png", "benign/august.png")))
    (warning,) = data_set.warnings
    assert warning.startswith("2 files named like augmented copies (benign/0000_aug_1.png, benign/augmented/0.png)")


def test_names_of_all_kinds_are_fine(lay):
    names = [
        "a (1).png",
        "a,b.png",
        'q"uote.png',
        "läsion ü.png",
        "皮肤.png",
        "[1].png",
        "a\tb.png",
        "a\nb.png",
        "<b>.png",
    ]
    assert len(open_data_set(str(lay(two(""), [f"benign/{name}" for name in names]))).files) == 6 + len(names)


def linked(root: Path, kind: str) -> None:
    """Put links in the place of a class's folder, of its images, or of a second folder of its images."""
    pool = root.with_name("pool")
    shutil.move(root / "benign", pool)
    if kind == "class":
        (root / "benign").symlink_to(pool)
        return
    (root / "benign").mkdir()
    for path in pool.iterdir():
        (root / "benign" / path.name).symlink_to(path)
    if kind == "some":
        for path in (root / "benign").iterdir():
            path.unlink()
            path.write_bytes(b"x")
        (root / "benign" / "part_2").symlink_to(pool)


@pytest.mark.parametrize(
    ("kind", "counts", "reason"),
    [
        ("class", "20 of 20 files", "behind a link to a folder"),
        ("images", "20 of 20 files", "a link that leaves the data set"),
        ("some", "20 of 40 files", "behind a link to a folder"),
    ],
)
def test_links_out_of_the_data_set_count_as_images_and_are_refused_with_the_way_out(lay, kind, counts, reason):
    root = lay(two("", 20))
    linked(root, kind)
    data_set = open_data_set(str(root))
    assert reason in listed_warnings(data_set)[0]
    with pytest.raises(InputError) as caught:
        check_files(data_set, listed_reasons(data_set), 0.05)
    assert f"{counts} of class 'benign'" in str(caught.value)
    assert "copy the data set with cp -rL" in str(caught.value)


def test_the_share_of_bad_files_counts_within_each_class(lay):
    data_set = open_data_set(str(lay(numbered("benign", 300), numbered("rare", 13), numbered("rare", 13, 50))))
    bad = dict.fromkeys(numbered("rare", 13), "truncated")
    with pytest.raises(InputError, match=r"13 of 26 files of class 'rare' \(50.0%\) can't be used"):
        check_files(data_set, bad, 0.05)
    check_files(data_set, bad, 0.5)


def test_control_characters_of_names_are_shown_escaped(lay):
    data_set = open_data_set(str(lay(two("", classes=("a\x1b[2J", "b\nc")), "loose\x1b]0;.png")))
    assert "a\\x1b[2J 3, b\\nc 3" in data_set.understood()[0]
    assert data_set.warnings == ("left out 1 image at the top, in no folder of a class: loose\\x1b]0;.png",)


def test_progress_is_told_while_listing(lay, monkeypatch):
    monkeypatch.setattr("components.data_set.listing.LISTED_AT_A_TIME", 2)
    told: list[int] = []
    open_data_set(str(lay(two("", 5))), progress=told.append)
    assert told[-1] == 10
    assert told == sorted(told)
