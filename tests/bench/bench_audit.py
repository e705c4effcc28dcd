"""Measures `synthesize` and `audit` with untrained generators: time of each part and peak memory.

    python tests/bench/bench_audit.py [images] [synthetic] [image_size] [threads]

Defaults: 30000 development images of two classes and 10000 synthetic images a class, at 32 x 32 on 1 thread.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from components.audit import audit
from components.contracts.arms import parse_arms
from components.contracts.features import measured_rows, read_features
from components.contracts.imageset import ImageSet, read_imageset
from components.embed.embed import embed
from components.generators.networks import Generator, initialise
from components.synthesize import synthesize

DEFAULTS = ["30000", "10000", "32", "1"]
COUNT, SYNTHETIC, SIZE, THREADS = (int(given) for given in sys.argv[1:] + DEFAULTS[len(sys.argv) - 1 :])
CLASSES = ("benign", "malignant")


def smooth_images(count: int) -> np.ndarray:
    """Return smooth colour fields with noise, uint8 [count, S, S, 3]."""
    rng = np.random.default_rng(0)
    images = np.empty((count, SIZE, SIZE, 3), np.uint8)
    for row in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        field = np.asarray(coarse.resize((SIZE, SIZE), Image.Resampling.BICUBIC)) + rng.normal(0, 4, (SIZE, SIZE, 3))
        images[row] = np.clip(field, 0, 255)
    return images


def write_generator(folder: Path, name: str) -> Path:
    """Write an untrained generator of a class to `folder`."""
    folder.mkdir()
    network = Generator(latent=100, width=32, image_size=SIZE)
    initialise(network, torch.Generator().manual_seed(0))
    save_file(network.state_dict(), folder / "generator.safetensors")
    about = {"class": name, "replicate": 0, "latent": 100, "width": 32, "image_size": SIZE}
    (folder / "gan.json").write_text(json.dumps(about))
    (folder / "losses.csv").write_text("update,loss_d,loss_g,score_real,score_fake\n")
    np.save(folder / "progress.npy", np.zeros((2, 16, SIZE, SIZE, 3), np.uint8))
    return folder


def timed(module: object, name: str) -> None:
    """Print the time of every call of a function of `module`, and the peak memory so far."""
    function: Callable = getattr(module, name)

    def call(*arguments: object, **named: object) -> object:
        start, work = time.monotonic(), time.process_time()
        result = function(*arguments, **named)
        seconds, work = time.monotonic() - start, time.process_time() - work
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{name}: {seconds:.1f} s ({work:.1f} s of CPU), peak memory so far {memory:.2f} GiB", flush=True)
        return result

    setattr(module, name, call)


def main() -> None:
    rows = np.arange(COUNT)
    development = ImageSet(
        name="fields",
        notice="",
        classes=CLASSES,
        positive_class="malignant",
        images=smooth_images(COUNT),
        paths=np.array([f"{row}.png" for row in rows]),
        labels=rows % 2,
        splits=np.full(COUNT, "development"),
        folds=rows // 2 % 5,
        groups=rows.astype(str),
        sha256=np.full(COUNT, ""),
    )
    timed(synthesize, "Screens")
    timed(synthesize, "_draw")
    timed(audit, "measure_quality")
    timed(audit, "measure_privacy")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        start = time.monotonic()
        synthesize.synthesize(
            [write_generator(root / name, name) for name in CLASSES],
            development,
            development.subset(np.arange(0, COUNT, 5)),
            development.subset(slice(0)),
            parse_arms(["real", f"gan:{SYNTHETIC}"]),
            0,
            synthetic_sets={},
            on_leak="keep",
            max_bad_share=0.0,
            replicates=1,
            threads=THREADS,
            synthetic_folder=root / "synthetic_set",
            report_folder=root / "synthetic_report",
        )
        synthetic = read_imageset(root / "synthetic_set")
        sets = {"development": development, "synthetic": synthetic}
        rows_of = {name: measured_rows(imageset, 0) for name, imageset in sets.items()}
        embed(sets, rows_of, dict.fromkeys(sets, 1), gpus="", threads=THREADS, features_folder=root / "features")
        print(f"embedded after {time.monotonic() - start:.1f} s")
        audit.audit(
            development,
            development.subset(np.arange(0, COUNT, 5)),
            synthetic,
            read_features(root / "features"),
            0,
            inception_weights="",
            threads=THREADS,
            report_folder=root / "audit_report",
        )
        print(f"{COUNT} real and {2 * SYNTHETIC} synthetic images: {time.monotonic() - start:.1f} s in all")
        size = sum(path.stat().st_size for path in (root / "audit_report").rglob("*") if path.is_file())
        print(f"audit report: {size / 2**20:.2f} MiB")


if __name__ == "__main__":
    main()
