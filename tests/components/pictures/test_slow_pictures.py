"""Small files that would take minutes, and want of memory."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from components.pictures import decode as module
from components.pictures.decode import RefusedImage, decode

PIXELS = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)


def test_a_jpeg_of_many_empty_scans_is_refused_and_an_ordinary_progressive_one_is_read():
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    assert decode(data, 16).pixels.shape == (16, 16, 3)
    empty = b"\xff\xda" + struct.pack(">HB", 8, 1) + b"\x01\x00\x01\x3f\x00"
    with pytest.raises(RefusedImage, match="more than 50 scans"):
        decode(data[:-2] + 60 * empty + data[-2:], 16)


def test_the_bytes_of_a_scan_in_other_segments_are_none():
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "JPEG", comment=b"\xff\xda" * 100)
    assert decode(file.getvalue(), 16).pixels.shape == (16, 16, 3)


def test_a_slow_kind_of_pnm_is_read_up_to_a_size():
    assert decode(b"P5 4 4 100\n" + bytes(16), 16).pixels.shape == (16, 16, 3)
    with pytest.raises(RefusedImage, match="save it as PNG"):
        decode(b"P5 4000 4000 100\n" + bytes(16_000_000), 16)


def test_want_of_memory_is_no_fault_of_the_picture(monkeypatch):
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(module, "_to_rgb", fail)
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG")
    with pytest.raises(MemoryError):
        decode(file.getvalue(), 16)
