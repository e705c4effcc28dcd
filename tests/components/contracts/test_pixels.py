import mmap
from pathlib import Path

import numpy as np
import pytest

from components.contracts.pixels import PIECE, let_go, pieces, taken


@pytest.fixture
def mapped(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (50, 64, 64, 3), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    return images, np.load(tmp_path / "images.npy", mmap_mode="r")


def test_rows_are_copies_in_any_order(mapped):
    images, on_disk = mapped
    rows = np.array([3, 1, 1, 49])
    found = taken(on_disk, rows)
    assert np.array_equal(found, images[rows])
    found[:] = 0
    assert np.array_equal(taken(on_disk, slice(1, 4)), images[1:4])
    assert type(found.base) is not mmap.mmap


def test_pieces_are_all_rows_in_their_order(monkeypatch, mapped):
    images, on_disk = mapped
    monkeypatch.setattr("components.contracts.pixels.PIECE", 7 * 64 * 64 * 3)
    rows = np.random.default_rng(1).permutation(50)
    found = list(pieces(on_disk, rows))
    assert [len(piece) for piece in found] == [7] * 7 + [1]
    assert np.array_equal(np.concatenate(found), images[rows])
    assert list(pieces(on_disk, np.empty(0, int))) == []


def test_a_piece_is_one_image_at_least():
    images = np.zeros((2, 1, PIECE + 1), np.uint8)
    assert [len(piece) for piece in pieces(images, np.arange(2))] == [1, 1]


def resident(path) -> int:
    """Return how many kB of a file this process holds in memory."""
    held, own = 0, False
    with Path("/proc/self/smaps").open(encoding="utf-8") as maps:
        for line in maps:
            if "-" in line.split(" ")[0]:
                own = line.rstrip().endswith(str(path))
            elif own and line.startswith("Rss:"):
                held += int(line.split()[1])
    return held


def test_pages_are_given_back_and_values_stay(tmp_path):
    path = tmp_path / "values.npy"
    values = np.lib.format.open_memmap(path, "w+", np.uint8, (4_000_000,))
    values[:] = 7
    assert resident(path) > 3000
    let_go(values[1000:2000])  # of a part, too
    assert resident(path) < 1000
    assert (values == 7).all()
    assert taken(values, np.array([5]))[0] == 7
    assert resident(path) < 1000
    let_go(np.zeros(3))  # nothing to give back
