import numpy as np
import pytest
from picture_files import encoded, picture, write_classes

from components.contracts.errors import InputError
from components.data_set.data_set import open_data_set
from components.pictures.decode import decode
from components.pictures.reading import read_images, scratch_beside
from components.pictures.room import PROCESS_BYTES


def test_images_come_in_the_order_of_their_paths_on_any_number_of_threads(tmp_path):
    write_classes(tmp_path, {"train/b": 6, "train/a": 5, "test/a": 2})
    one, two = (read_images(open_data_set(str(tmp_path)), 16, threads) for threads in (1, 2))
    paths = [file.path for file in one.files]
    assert paths == sorted(paths)
    assert len(paths) == 13
    assert np.array_equal(one.images, two.images)
    assert one.sha256.tolist() == two.sha256.tolist()


def test_each_row_is_its_own_file_when_others_are_refused(tmp_path):
    write_classes(tmp_path, {"a": 6, "b": 6})
    for bad in ("a/000.png", "a/003.png", "b/005.png"):
        (tmp_path / bad).write_bytes(b"")
    reading = read_images(open_data_set(str(tmp_path)), 16, 2)
    assert [file.path for file, _ in reading.refused] == ["a/000.png", "a/003.png", "b/005.png"]
    assert len(reading.files) == len(reading.images) == len(reading.thumbnails) == len(reading.sha256) == 9
    for row, file in enumerate(reading.files):
        alone = decode((tmp_path / file.path).read_bytes(), 16)
        assert np.array_equal(reading.images[row], alone.pixels)
        assert np.array_equal(reading.thumbnails[row], alone.thumbnail)
        assert reading.sha256[row] == alone.sha256


def test_files_that_may_not_be_read_are_refused_with_their_reason(tmp_path):
    root = write_classes(tmp_path / "data", {"a": 3, "b": 3})
    outside = tmp_path / "outside.png"
    outside.write_bytes(encoded(picture(99)))
    (root / "a" / "out.png").symlink_to(outside)
    (root / "a" / "gone.png").symlink_to(root / "nowhere.png")
    (root / "b" / "inside.png").symlink_to(root / "a" / "000.png")
    data_set = open_data_set(str(root))
    (root / "b" / "001.png").unlink()
    reading = read_images(data_set, 16, 1)
    assert {file.path: reason for file, reason in reading.refused} == {
        "a/gone.png": "a link to nothing",
        "a/out.png": "a link that leaves the data set",
        "b/001.png": "it can't be read (No such file or directory)",
    }
    assert "b/inside.png" in [file.path for file in reading.files]


def test_conversions_are_counted(tmp_path):
    write_classes(tmp_path, {"a": 2, "b": 2})
    (tmp_path / "a" / "x.png").write_bytes(encoded(picture(50).convert("L")))
    (tmp_path / "b" / "y.png").write_bytes(encoded(picture(51).convert("L")))
    (tmp_path / "b" / "z.jpg").write_bytes(encoded(picture(52).convert("CMYK"), "JPEG"))
    reading = read_images(open_data_set(str(tmp_path)), 16, 1)
    assert reading.converted == {"CMYK to RGB": 1, "grey to RGB": 2}


def test_progress_is_told_in_steps_and_to_the_end(tmp_path):
    write_classes(tmp_path, {"a": 30, "b": 15})
    steps = []
    read_images(open_data_set(str(tmp_path)), 16, 2, lambda done, total: steps.append((done, total)))
    assert 20 <= len(steps) <= 24
    assert steps[-1] == (45, 45)


def test_pictures_in_a_file_are_those_in_memory(tmp_path):
    write_classes(tmp_path / "data", {"a": 5, "b": 4})
    (tmp_path / "data/a/001.png").write_bytes(b"broken")
    data_set = open_data_set(str(tmp_path / "data"))
    scratch = scratch_beside(tmp_path / "not" / "there" / "yet")
    assert scratch == tmp_path
    inside, outside = read_images(data_set, 16, 2), read_images(data_set, 16, 2, scratch=scratch)
    assert np.array_equal(inside.images, outside.images)
    assert np.array_equal(inside.thumbnails, outside.thumbnails)
    assert [file.path for file in inside.files] == [file.path for file in outside.files]
    assert [path.name for path in tmp_path.iterdir()] == ["data"]  # the file has no name


def test_pictures_in_a_file_need_no_memory(tmp_path):
    write_classes(tmp_path / "data", {"a": 3, "b": 3})
    data_set = open_data_set(str(tmp_path / "data"))
    memory = PROCESS_BYTES + 4_000_000
    with pytest.raises(InputError, match="image_size: 6 images of 512 x 512 pixels take"):
        read_images(data_set, 512, 1, memory=memory)
    assert len(read_images(data_set, 512, 1, memory=memory, scratch=tmp_path).images) == 6
