"""What tests of sweeps share: their files, planned or run by the command line."""

import subprocess
import sys
from pathlib import Path

import yaml

from pipelines.sweep.file import read_sweep_file
from pipelines.sweep.plan import Sweep, lay_out

AGREED = {"real_identical": True, "real_differs_by": 0.0}


def write(path: Path, **keys: object) -> Path:
    path.write_text(yaml.safe_dump(keys, sort_keys=False))
    return path


def laid_out(tmp_path: Path, **keys: object) -> Sweep:
    given = {"data_set": "images", "preset": "paper", "ratios": ["50%"], **keys}  # one GAN a class
    file = read_sweep_file(write(tmp_path / "doses.yaml", **given))
    return lay_out(file, classes=2)


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "pipelines", "sweep", *map(str, words)]


def gansweep(*words: object) -> subprocess.CompletedProcess:
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=120)
