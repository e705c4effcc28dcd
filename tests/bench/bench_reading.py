"""Measures the memory that reading large pictures takes: python tests/bench/bench_reading.py [side] [threads] [kinds]

Defaults: 16 pictures of 7000 x 7000 pixels of every kind of file, on 2 threads. Each kind is read by a process of its
own; shown are its seconds and the most memory that it held at once, all of Python and numpy (about 100 MB) with it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = int(sys.argv[1]) if len(sys.argv) > 1 else 7000
THREADS = int(sys.argv[2]) if len(sys.argv) > 2 else 2
MOST = int(sys.argv[3]) if len(sys.argv) > 3 else None
PICTURES = 16
# Kind -> mode of the picture, ending, how it is written.
KINDS = {
    "JPEG": ("RGB", "jpg", {"quality": 90}),
    "JPEG, progressive": ("RGB", "jpg", {"quality": 90, "progressive": True}),
    "JPEG, CMYK": ("CMYK", "jpg", {"quality": 90}),
    "PNG": ("RGB", "png", {"compress_level": 1}),
    "PNG, transparent": ("RGBA", "png", {"compress_level": 1}),
    "PNG, 16 bits": ("I;16", "png", {"compress_level": 1}),
    "TIFF": ("RGB", "tif", {}),
    "TIFF, 16 bits": ("I;16", "tif", {}),
    "WebP": ("RGB", "webp", {"quality": 80, "method": 0}),
    "JPEG 2000": ("RGB", "jp2", {}),
    "GIF": ("P", "gif", {}),
}
READ = """
import re, sys, time
from components.data_set.data_set import open_data_set
from components.prepare.prepare import read_images
start = time.monotonic()
reading = read_images(open_data_set(sys.argv[1]), 32, int(sys.argv[2]))
held = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024
print(len(reading.files), f"{time.monotonic() - start:.1f}", held)
"""


def draw(mode: str) -> Image.Image:
    """Return a picture of soft colours, SIDE pixels high and wide."""
    coarse = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    if mode == "I;16":
        return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    return picture.convert(mode)


def main() -> None:
    """Write and read the pictures of each kind."""
    for kind, (mode, ending, options) in list(KINDS.items())[:MOST]:
        with tempfile.TemporaryDirectory() as folder:
            first = Path(folder) / "a" / f"00.{ending}"
            for label in "ab":
                (Path(folder) / label).mkdir()
            draw(mode).save(first, **options)
            for number in range(1, PICTURES):
                (Path(folder) / "ab"[number % 2] / f"{number:02}.{ending}").hardlink_to(first)
            words = [sys.executable, "-c", READ, folder, str(THREADS)]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
        read, seconds, held = done.stdout.split()
        print(f"{kind:18} {read} read {seconds:>6} s {int(held) / 1e6:7,.0f} MB at most", flush=True)


if __name__ == "__main__":
    main()
