import os
from pathlib import Path

import pytest

from components.contracts.errors import InputError
from components.data_set import listing
from components.data_set.data_set import open_data_set
from components.data_set.files import ImageFile


def refusal(address: str | Path) -> str:
    with pytest.raises(InputError) as caught:
        open_data_set(str(address))
    assert str(caught.value).startswith(("data_set: ", str(address)))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_a_class_is_listed_in_the_order_of_paths(image_folder):
    root = image_folder({"malignant": 2, "benign": 3})
    data_set = open_data_set(str(root))
    assert data_set.classes == ("benign", "malignant")
    assert [file.path for file in data_set.files] == [
        "benign/000.png",
        "benign/001.png",
        "benign/002.png",
        "malignant/000.png",
        "malignant/001.png",
    ]
    size, changed = (root / "benign/000.png").stat().st_size, (root / "benign/000.png").stat().st_mtime_ns
    assert data_set.files[0] == ImageFile("benign/000.png", "benign", "", "", size, str(changed))
    assert not data_set.has_test_folder
    assert data_set.count("benign", "train", "") == 3
    assert (data_set.name, data_set.notice) == ("images", "")


def test_train_and_test_folders_are_splits(image_folder):
    data_set = open_data_set(str(image_folder({"train/a": 2, "train/b": 3, "test/a": 1, "test/b": 1})))
    assert data_set.has_test_folder
    assert data_set.classes == ("a", "b")
    assert [data_set.count("b", split) for split in ("train", "test", "")] == [3, 1, 0]


def test_a_train_folder_alone_has_no_test_set(image_folder):
    assert not open_data_set(str(image_folder({"train/a": 2, "train/b": 3}))).has_test_folder


def test_folders_below_a_class_belong_to_it(image_folder):
    data_set = open_data_set(str(image_folder({"a/clinic/2019": 2, "b": 1})))
    assert data_set.classes == ("a", "b")
    assert data_set.files[0].path == "a/clinic/2019/000.png"


def test_hidden_files_and_folders_are_passed_over(image_folder):
    root = image_folder({"a": 1, "b": 1, ".cache": 1, "a/.thumbs": 1})
    (root / "a" / ".DS_Store").write_bytes(b"x")
    assert [file.path for file in open_data_set(str(root)).files] == ["a/000.png", "b/000.png"]


def test_a_file_is_read_whole(image_folder):
    root = image_folder({"a": 1, "b": 1})
    data_set = open_data_set(str(root))
    assert data_set.read(data_set.files[1]) == (root / "b/000.png").read_bytes()


def test_name_and_notice_come_from_its_own_file(image_folder):
    root = image_folder({"a": 1, "b": 1})
    (root / "data_set.json").write_text('{"name": "phantoms", "notice": "Not patients.", "more": {"seed": 1}}')
    data_set = open_data_set(str(root))
    assert (data_set.name, data_set.notice) == ("phantoms", "Not patients.")
    for text in ("[1]", "{"):
        (root / "data_set.json").write_text(text)
        assert refusal(root).startswith(str(root / "data_set.json"))


def test_links_are_followed_inside_the_data_set_only(image_folder, tmp_path):
    root = image_folder({"a": 1, "b": 1})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes((root / "a/000.png").read_bytes())
    (root / "a" / "inside.png").symlink_to("../b/000.png")
    (root / "a" / "out.png").symlink_to(outside / "secret.png")
    (root / "a" / "gone.png").symlink_to("nowhere.png")
    (root / "a" / "circle.png").symlink_to("circle.png")
    (root / "a" / "folder").symlink_to(root / "b")
    (root / "c").symlink_to(outside)
    reasons = {file.path: file.refused for file in open_data_set(str(root)).files}
    assert reasons == {
        "a/000.png": "",
        "a/circle.png": "a link to nothing",
        "a/folder/000.png": "behind a link to a folder",
        "a/gone.png": "a link to nothing",
        "a/inside.png": "",
        "a/out.png": "a link that leaves the data set",
        "b/000.png": "",
        "c/secret.png": "behind a link to a folder",
    }


def test_a_pipe_that_would_block_is_refused(image_folder):
    root = image_folder({"a": 1, "b": 1})
    os.mkfifo(root / "a" / "pipe.png")
    assert {file.path: file.refused for file in open_data_set(str(root)).files}["a/pipe.png"] == "not a regular file"


def test_names_that_are_not_utf8_are_refused_and_can_be_printed(image_folder):
    root = image_folder({"a": 1, "b": 1})
    (root / os.fsdecode(b"a/caf\xe9.png")).write_bytes(b"x")
    files = {file.path: file.refused for file in open_data_set(str(root)).files}
    assert files["a/caf\\udce9.png"] == "its name is not UTF-8"
    (root / os.fsdecode(b"na\xefve")).mkdir()
    assert "the name of a folder must be UTF-8" in refusal(root)


def test_what_is_no_data_set_is_refused(tmp_path, image_folder):
    file = tmp_path / "file.zip"
    file.write_bytes(b"x")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "there is no such folder" in refusal(tmp_path / "missing")
    assert "is an archive; unpack it and give the folder" in refusal(file)
    assert "holds no images" in refusal(empty)
    assert "no data set is named" in refusal("")
    (empty / "flat.png").write_bytes(b"x")
    assert "holds 1 image but no folder of a class; expected one folder a class, or a table" in refusal(empty)


def test_addresses_of_unknown_kinds_are_refused():
    assert "https:// is not known; give a folder or minio://bucket/prefix" in refusal("https://host/images")


def test_the_digest_of_the_listing_changes_with_any_file(image_folder):
    root = image_folder({"a": 2, "b": 2})
    digests = {open_data_set(str(root)).digest(), open_data_set(str(root)).digest()}
    os.utime(root / "a/000.png", (1, 1))
    digests.add(open_data_set(str(root)).digest())
    (root / "a/000.png").unlink()
    digests.add(open_data_set(str(root)).digest())
    assert len(digests) == 3


def test_a_file_too_large_for_a_picture_is_not_read(image_folder, monkeypatch):
    monkeypatch.setattr(listing, "LARGEST_FILE", 10)
    files = open_data_set(str(image_folder({"a": 1, "b": 1}))).files
    assert [file.refused for file in files] == ["larger than 1e-05 MB"] * 2


def test_an_empty_class_or_split_is_refused_not_forgotten(image_folder):
    root = image_folder({"train/a": 1, "train/b": 1})
    (root / "test").mkdir()
    assert f"{root / 'test'}: holds no folder of a class" in refusal(root)
    (root / "test" / "a").mkdir()
    assert f"{root / 'test' / 'a'}: holds no images" in refusal(root)


def test_folders_that_look_like_splits_but_are_not_are_refused(image_folder):
    root = image_folder({"train/a": 1, "train/b": 1, "more/a": 1})
    assert "more: stands beside train/" in refusal(root)


def test_test_without_train_is_refused(image_folder):
    assert "has test/ but no train/" in refusal(image_folder({"test/a": 1, "test/b": 1}))


def test_a_folder_that_may_not_be_read_is_refused(image_folder, monkeypatch):
    root = image_folder({"a": 1, "b": 1})
    real = os.scandir

    def scandir(path):
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(listing.os, "scandir", scandir)  # tests may run as root, whom no permission stops
    assert f"{root / 'b'}: may not be read; check its permissions" in refusal(root)
