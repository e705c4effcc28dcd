"""What several tests need: real image files, small and drawn on the spot."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def image_folder(tmp_path: Path):
    """Return a function that writes a data set of noise images: {"train/benign": 12, ...} -> its folder."""

    def write(counts: dict[str, int], size: int = 40) -> Path:
        root = tmp_path / "images"
        for folder, count in counts.items():
            (root / folder).mkdir(parents=True, exist_ok=True)
            for i in range(count):
                pixels = np.random.default_rng([len(folder), i, *folder.encode()]).integers(0, 256, (size, size, 3))
                Image.fromarray(pixels.astype(np.uint8)).save(root / folder / f"{i:03}.png")
        return root

    return write
