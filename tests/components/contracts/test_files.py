import math

import pytest

from components.contracts.errors import InputError
from components.contracts.files import fresh_folder, read_json, whole_file, write_json, write_text


def test_a_file_appears_whole(tmp_path):
    with whole_file(tmp_path / "new" / "a.txt") as part:
        part.write_text("whole")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert (tmp_path / "new" / "a.txt").read_text() == "whole"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "half\udcff")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_fresh_folder_is_empty(tmp_path):
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "out" / "deep" / "left.txt").write_text("of a failed attempt")
    assert list(fresh_folder(tmp_path / "out").iterdir()) == []
    assert fresh_folder(tmp_path / "in" / "new").is_dir()


def test_json_comes_back_as_it_was(tmp_path):
    value = {"name": "Näme", "numbers": [1, 2.5, None, True]}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_json_without_a_meaning_is_not_written(tmp_path, value):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"loss": value})
    assert list(tmp_path.iterdir()) == []


def test_missing_or_broken_json_is_named(tmp_path):
    with pytest.raises(InputError, match="gone.json: the file is missing"):
        read_json(tmp_path / "gone.json")
    for content in (b"{", b"\xff\xfe{}"):
        (tmp_path / "bad.json").write_bytes(content)
        with pytest.raises(InputError, match="bad.json: not valid JSON"):
            read_json(tmp_path / "bad.json")
