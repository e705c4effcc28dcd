"""Measures the memory of the stages that read a user's own synthetic images, each in a process of its own.

    python tests/bench/bench_synthetic_sets.py [synthetic] [real] [image_size] [threads]

Defaults: 20000 synthetic images in JPEG and 1000 real ones, of two classes, at 224 x 224 on 1 thread; a fifth as many
test images. Peaks are of a process as a whole, and of what it alone holds: pages of files that are mapped count in the
first, and the system takes them back where memory is short.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from components.contracts.classifier import chosen, save_classifier
from components.contracts.imageset import ImageSet, pixel_digest, write_imageset
from components.contracts.pods import cell_folders
from pipelines.phantoms.drawing import draw_phantom

DEFAULTS = ["20000", "1000", "224", "1"]
CLASSES = ("benign", "malignant")
STAGES = ("synthesize", "embed", "audit", "train_classifier")
DRAWN = 60  # phantoms a class, of which all images are cut
ARM = "external:all"


def write_data(root: Path, synthetic: int, real: int, size: int) -> None:
    """Write the sets that the stages read: real and test images packed, synthetic ones as files."""
    larger = size * 5 // 4
    drawn = [[draw_phantom(label, i, size=larger, seed=0) for i in range(DRAWN)] for label in (0, 1)]

    def cut(label: int, number: int, part: int) -> np.ndarray:
        rng = np.random.default_rng([part, label, number])
        image = np.rot90(drawn[label][rng.integers(DRAWN)], rng.integers(4))
        top, left = rng.integers(0, larger - size, 2)
        coarse = rng.normal(0, 12, (6, 6, 3)).repeat(-(-size // 6), 0).repeat(-(-size // 6), 1)[:size, :size]
        return (image[top : top + size, left : left + size] + coarse).clip(0, 255).astype(np.uint8)

    for part, (name, count) in enumerate((("development", real), ("test", real // 5))):
        labels = np.arange(count) % 2
        images = np.stack([cut(label, number, part) for number, label in enumerate(labels)])
        imageset = ImageSet(
            name="cut phantoms",
            notice="",
            classes=CLASSES,
            positive_class="malignant",
            images=images,
            paths=np.array([f"{name}-{row}.png" for row in range(count)]),
            labels=labels,
            splits=np.full(count, name),
            folds=np.arange(count) // 2 % 5 if name == "development" else np.full(count, -1),
            groups=np.array([f"{name}-{row}" for row in range(count)]),
            sha256=np.array([pixel_digest(image) for image in images]),
        )
        write_imageset(root / name, imageset)
    write_imageset(root / "none_from_elsewhere", imageset.subset(slice(0)))
    for number in range(synthetic):
        path = root / "external" / CLASSES[number % 2] / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(cut(number % 2, number, 2)).save(path, quality=85)
    save_classifier(root / "network", chosen("pretrained", "", "head", "weights"), None)
    (root / "none").mkdir()
    cell_folders(root / "none", [])


def run_stage(stage: str, root: Path, threads: int) -> None:
    """Run one stage, as the pipeline would, on what those before it left in `root`."""
    at = lambda name: SimpleNamespace(path=str(root / name), metadata={})  # noqa: E731
    sets = {"development_set": at("development"), "synthetic_set": at("synthetic")}
    if stage == "synthesize":
        from components.synthesize.component import synthesize as component

        given = {
            "generators": [at("none")],
            "test_set": at("test"),
            "external_set": at("none_from_elsewhere"),
            "synthetic_report": at("synthetic_report"),
            "arms": ["real", ARM],
            "synthetic_sets": {"external": str(root / "external")},
            "synthetic_version": "",
            "max_bad_share": 0.05,
            "bits_used": 16,
            "on_leak": "keep",  # a phantom may be cut in nearly the same way twice
            "replicates": 3,
        }
    elif stage == "embed":
        from components.embed.component import embed as component

        given = {"test_set": at("test"), "external_set": at("none_from_elsewhere"), "features": at("features")}
        given |= {"arms": ["real", ARM], "classifier": "pretrained", "device": "cpu", "gpus": "", "gpu_stages": []}
    elif stage == "audit":
        from components.audit.component import audit as component

        given = {"test_set": at("test"), "features": at("features"), "audit_report": at("audit_report")}
        given |= {"inception_weights": ""}
    else:
        from components.train_classifier.component import train_classifier as component

        given = {"features": at("features"), "network": at("network"), "models": at("models"), "pod": {"arms": [ARM]}}
        given |= {"replicates": 3, "epochs": 1, "batch_size": 32, "learning_rate": 1e-3, "dropout": 0.0, "patience": 0}
        given |= {"device": "cpu", "gpus": "", "gpu_stages": []}
    component.python_func(**sets, **given, seed=0, threads=threads)


def own_memory(pid: int) -> tuple[float, float]:
    """Return the memory of a process, all of it and what it alone holds, in GiB; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    found = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if "kB" in rest}
    return found.get("VmHWM", 0) / 2**20, found.get("RssAnon", 0) / 2**20


def measure(stage: str, root: Path, threads: int) -> None:
    """Run a stage in a process of its own and print what it took."""
    start = time.monotonic()
    words = [sys.executable, __file__, "--stage", stage, str(root), str(threads)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": str(threads)})
    peaks, ended = [0.0, 0.0], threading.Event()
    while process.poll() is None:
        peaks = [max(pair) for pair in zip(peaks, own_memory(process.pid), strict=True)]
        ended.wait(0.05)
    if process.returncode:
        raise SystemExit(f"{stage}: status {process.returncode}")
    seconds = time.monotonic() - start
    print(f"{stage}: {seconds:.0f} s, peak memory {peaks[0]:.2f} GiB, of its own {peaks[1]:.2f} GiB", flush=True)


def main() -> None:
    """Write the sets, then run the stages one after the other."""
    synthetic, real, size, threads = (int(given) for given in sys.argv[1:] + DEFAULTS[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        write_data(Path(folder), synthetic, real, size)
        print(f"{synthetic} synthetic and {real} real images at {size}: drawn in {time.monotonic() - start:.0f} s")
        for stage in STAGES:
            measure(stage, Path(folder), threads)


if __name__ == "__main__":
    if "--stage" in sys.argv:
        run_stage(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
