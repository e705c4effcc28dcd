"""What several threads hold of large pictures stays within what they were given."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from picture_files import encoded, picture, write_classes
from PIL import Image

from components.contracts.errors import InputError
from components.data_set.data_set import open_data_set
from components.pictures import reading as module
from components.pictures.decode import decode
from components.pictures.reading import read_images
from components.pictures.room import PROCESS_BYTES, Room

SIDE = 3200  # pixels of 4 bytes each, in memory
LIMIT = 60  # seconds that a test waits before it gives up

READ = """
import re, sys
from pathlib import Path
from components.data_set.data_set import open_data_set
from components.pictures import reading
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
data_set = open_data_set(sys.argv[1])
reading.read_images(open_data_set(sys.argv[2]), 16, 8)
before = peak()
assert len(reading.read_images(data_set, 16, 8, memory=reading.PROCESS_BYTES + int(sys.argv[3])).files) == 8
print(peak() - before)
"""


def started(work, *arguments) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def test_room_is_shared_up_to_its_size_and_a_larger_one_has_it_alone():
    room = Room(shared=10, most=30)
    order, entered, leave = [], threading.Semaphore(0), {name: threading.Event() for name in "abcd"}

    def hold(name: str, wanted: int) -> None:
        with room.taken(wanted):
            order.append(name)
            entered.release()
            leave[name].wait(LIMIT)

    threads = [started(hold, "a", 4), started(hold, "b", 4)]
    for _ in "ab":
        assert entered.acquire(timeout=LIMIT)
    threads.append(started(hold, "c", 25))
    assert not entered.acquire(timeout=0.05)
    leave["a"].set()
    assert not entered.acquire(timeout=0.05)
    leave["b"].set()
    assert entered.acquire(timeout=LIMIT)
    threads.append(started(hold, "d", 1))
    assert not entered.acquire(timeout=0.05)
    leave["c"].set()
    assert entered.acquire(timeout=LIMIT)
    leave["d"].set()
    for thread in threads:
        thread.join(LIMIT)
    assert sorted(order[:2]) == ["a", "b"]
    assert order[2:] == ["c", "d"]


def test_what_never_fits_is_refused_at_once_and_holds_nothing():
    room = Room(shared=10, most=30)
    with pytest.raises(MemoryError, match="it takes 0.0 GB"), room.taken(31):
        pytest.fail("entered")
    with room.taken(30):
        pass


def test_eight_large_pictures_take_no_more_memory_than_one_where_there_is_room_for_one(tmp_path):
    for number in range(8):
        folder = tmp_path / "large" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (SIDE, SIDE), (number, 0, 0)).save(folder / f"{number}.png")
    small = write_classes(tmp_path / "small", {"a": 1, "b": 1})
    words = [sys.executable, "-c", READ, str(tmp_path / "large"), str(small), str(12 * SIDE**2)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2.5 * 4 * SIDE**2


def test_a_picture_that_does_not_fit_in_memory_stops_the_run_and_names_the_way_out(tmp_path):
    root = write_classes(tmp_path, {"a": 2, "b": 2})
    (root / "b" / "large.png").write_bytes(encoded(picture(9, 1500, 1500)))
    with pytest.raises(
        InputError,
        match=r"data_set: out of memory while b/large\.png was decoded \(it takes 0\.0 GB, there are 0\.0 GB\); give",
    ):
        read_images(open_data_set(str(root)), 16, 2, memory=PROCESS_BYTES + 5_000_000)


def test_more_small_pictures_than_fit_in_memory_are_refused_before_any_is_read(tmp_path, monkeypatch):
    root = write_classes(tmp_path, {"a": 3, "b": 3})
    monkeypatch.setattr(module, "decode", lambda *_: pytest.fail("read"))
    with pytest.raises(InputError, match="image_size: 6 images of 512 x 512 pixels take 0.0 GB .* lower image_size"):
        read_images(open_data_set(str(root)), 512, 2, memory=PROCESS_BYTES + 1_000_000)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "I;16"])
def test_a_picture_of_several_bands_of_rows_is_read_as_one_of_a_single_band(mode, monkeypatch):
    pixels = np.asarray(picture(3, 70, 50))
    grey = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    data = encoded(grey if mode == "I;16" else Image.fromarray(pixels).convert(mode))
    whole = decode(data, 16)
    monkeypatch.setattr("components.pictures.decode._BAND", 170)
    bands = decode(data, 16)
    assert bands.sha256 == whole.sha256
    assert np.array_equal(bands.pixels, whole.pixels)
