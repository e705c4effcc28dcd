"""Files of users: regular ones only, within a size, no further than their folder."""

import os

import pytest

from components.contracts.errors import InputError
from components.contracts.user_files import file_digest, read_beneath, read_file, read_text


def refused(action, *words, **more) -> str:
    with pytest.raises(InputError) as refusal:
        action(*words, **more)
    return str(refusal.value)


def test_a_text_is_read_with_or_without_a_byte_order_mark(tmp_path):
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfa: 1\r\n")
    assert read_text("", tmp_path / "a") == "a: 1\r\n"


def test_what_is_no_readable_file_of_that_size_is_refused_with_the_reason(tmp_path):
    (tmp_path / "latin1").write_bytes("ä".encode("latin-1"))
    (tmp_path / "large").write_bytes(b"12345")
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to(tmp_path / "large")
    os.mkfifo(tmp_path / "pipe")
    os.truncate(tmp_path / "latin1", 1)
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(10 * 10**9)
    assert "not text in UTF-8" in refused(read_text, "", tmp_path / "latin1")
    assert "table: " in refused(read_file, "table: ", tmp_path / "large", 4)
    assert "larger than" in refused(read_file, "", tmp_path / "large", 4)
    assert "larger than 2,000 MB" in refused(file_digest, "", tmp_path / "huge")
    assert "it is empty" in refused(read_file, "", tmp_path / "empty", 9)
    assert "it is a link" in refused(read_file, "", tmp_path / "link", 9, follow=False)
    assert "not a regular file" in refused(read_file, "", tmp_path / "pipe", 9)
    assert "can't be read" in refused(read_file, "", tmp_path, 9)
    assert "there is no such file" in refused(read_file, "", tmp_path / "none", 9)
    assert read_file("", tmp_path / "link", 9) == b"12345"


def test_files_that_the_kernel_makes_up_are_refused():
    assert "it is empty" in refused(read_file, "", "/proc/version", 10**9)


def test_what_became_a_link_or_a_pipe_since_it_was_listed_is_not_read(tmp_path):
    (tmp_path / "outside").write_bytes(b"secret")
    root = tmp_path / "set"
    (root / "a").mkdir(parents=True)
    (root / "a" / "1.png").write_bytes(b"picture")
    (root / "a" / "2.png").symlink_to("1.png")
    assert read_beneath(root, "a/1.png", 99) == read_beneath(root, "a/2.png", 99) == b"picture"
    (root / "b").symlink_to(tmp_path)
    (root / "a" / "3.png").symlink_to(tmp_path / "outside")
    os.mkfifo(root / "a" / "4.png")
    for path in ("b/outside", "a/3.png", "a/4.png", "../outside", "a/5.png"):
        with pytest.raises(OSError):  # noqa: PT011
            read_beneath(root, path, 99)
    with pytest.raises(OSError, match="larger"):
        read_beneath(root, "a/1.png", 3)
