"""Measures how the stages that see all images grow: time and memory at three sizes each, and the exponent of growth.

    python tests/bench/bench_growth.py [images] [test images] [arms] [replicates] [threads] [sizes]

Defaults: 100000 images, 10000 test images, 100 arms of 20 replicates, 2 threads, three sizes: a tenth, three tenths and
all of them. `prepare` reads JPEGs of 224 x 224 pixels, crops of one drawn field of which every 20th is a mirrored copy
of the one before; `duplicates` is its search for near-duplicates alone, among other drawings, on one thread.
`synthesize` draws pictures of 32 x 32 from untrained GANs, beside up to 1,000 real images a class and half as many of
the test set. `compare` goes from simulated predictions to the report. Each measurement is a process of its own; between
two sizes the exponent is log(t2 / t1) / log(n2 / n1) of the seconds of the processors: 1 is linear, 2 quadratic.
"""

import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

DEFAULTS = ["100000", "10000", "100", "20", "2", "3"]
CLASSES = ("benign", "malignant")
SIDE, STEP, COPY_EVERY = 224, 12, 20


def draw(root: Path, count: int, threads: int) -> None:
    """Write the images: crops of a smooth field with noise, far enough from one another to be told apart."""
    across = math.isqrt(count - 1) + 1
    edge = SIDE + STEP * across
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (edge // 32, edge // 32, 3), dtype=np.uint8))
    field = np.asarray(coarse.resize((edge, edge), Image.Resampling.BICUBIC)) // 2 + 60
    field += rng.integers(0, 20, (edge, edge, 1), dtype=np.uint8)
    for name in CLASSES:
        (root / name).mkdir(parents=True)

    def write(number: int) -> None:
        copy = number % COPY_EVERY == 1
        row, column = divmod(number - copy, across)
        picture = field[STEP * row :, STEP * column :][:SIDE, :SIDE]
        path = root / CLASSES[number // 2 % 2] / f"{number:06}.jpg"
        Image.fromarray(picture[:, ::-1] if copy else picture).save(path, quality=70 if copy else 90)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(write, range(count)))


def prepare(folder: Path, size: int, threads: int) -> float:
    """Prepare the first images that were drawn; return when that began, in seconds of the processors."""
    from components.data_set.data_set import open_data_set
    from components.prepare.prepare import PrepareSettings
    from components.prepare.prepare import prepare as stage

    with tempfile.TemporaryDirectory(dir=folder) as name:
        root, out = Path(name) / "data", Path(name) / "out"
        for path in sorted((folder / "drawn").glob("*/*"), key=lambda path: path.name)[:size]:
            (root / path.parent.name).mkdir(parents=True, exist_ok=True)
            (root / path.parent.name / path.name).hardlink_to(path)
        begun = time.process_time()
        settings = PrepareSettings(positive_class="malignant", image_size=32, threads=threads)
        outputs = (out / each for each in ("development_set", "test_set", "data_report", "page.html", "external_set"))
        stage(open_data_set(str(root)), settings, *outputs)
        found = json.loads((out / "data_report" / "data_report.json").read_text())["near_duplicate_count"]
    assert found >= size // COPY_EVERY, found
    return begun


def duplicates(folder: Path, size: int) -> float:
    """Search drawn thumbnails for near-duplicates, one in twenty being a copy of another; return when that began."""
    from components.prepare.duplicates import near_duplicates

    rng = np.random.default_rng(0)
    thumbnails = np.empty((size, 32, 32, 3), np.uint8)
    for row in range(size):
        coarse = Image.fromarray(rng.integers(60, 196, (5, 5, 3), dtype=np.uint8))
        thumbnails[row] = coarse.resize((32, 32), Image.Resampling.BICUBIC)
    copied = np.arange(1, size, COPY_EVERY)
    thumbnails[copied] = thumbnails[copied - 1, :, ::-1]
    begun = time.process_time()
    found = len(near_duplicates(thumbnails, 0.99))
    assert found >= len(copied), found
    return begun


def synthesize(folder: Path, size: int, real: int, threads: int) -> float:
    """Draw so many pictures, `real` images a class beside them; return when that began."""
    import torch
    from example_pictures import image_set
    from safetensors.torch import save_file

    from components.contracts.arms import parse_arms
    from components.generators.networks import Generator, initialise
    from components.synthesize.synthesize import synthesize as stage

    about = {"name": "drawn", "notice": "", "positive_class": "malignant"}
    development = image_set("development", CLASSES, [real, real], 32, 1, **about)
    test = image_set("test", CLASSES, [real // 2, real // 2], 32, 2, **about)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        root = Path(name)
        for label in CLASSES:
            (root / label).mkdir()
            network = Generator(latent=100, width=32, image_size=32)
            initialise(network, torch.Generator().manual_seed(0))
            save_file(network.state_dict(), root / label / "generator.safetensors")
            trained = {"class": label, "replicate": 0, "latent": 100, "width": 32, "image_size": 32}
            (root / label / "gan.json").write_text(json.dumps(trained))
            (root / label / "losses.csv").write_text("update,loss_d,loss_g,score_real,score_fake\n")
            np.save(root / label / "progress.npy", np.zeros((2, 16, 32, 32, 3), np.uint8))
        begun = time.process_time()
        stage(
            [root / label for label in CLASSES],
            development,
            test,
            test.subset(slice(0)),
            parse_arms(["real", f"gan:{size // 2}"]),
            0,
            synthetic_sets={},
            on_leak="drop",
            max_bad_share=0.0,
            replicates=1,
            threads=threads,
            synthetic_folder=root / "synthetic_set",
            report_folder=root / "synthetic_report",
        )
    return begun


def compare(folder: Path, size: int, arms: int, replicates: int) -> float:
    """Compare arms on so many test images, to the report; return when that began."""
    from report_example import example_inputs, example_verdict, write_example

    names = ("real", "traditional", *(f"gan:{16 + number}" for number in range(arms - 2)))[:arms]
    with tempfile.TemporaryDirectory(dir=folder) as name:
        inputs = example_inputs(
            Path(name), arms=names, test_per_class=size // 2, replicates=replicates, size=16, updates=20
        )
        begun = time.process_time()
        write_example(Path(name) / "report.html", inputs, *example_verdict(inputs, resamples=2000))
    return begun


def measure(stage: str, folder: Path, size: int, more: list[int]) -> dict[str, float]:
    """Run one stage in a process of its own."""
    words = [sys.executable, __file__, stage, str(folder), str(size), *map(str, more)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def run_stage(stage: str, folder: Path, size: int, more: list[int]) -> None:
    """Run a stage here and print what it took."""
    tests = Path(__file__).parents[1]
    # gansweep's own packages too: tests/ has folders of their names.
    sys.path += [str(tests.parent), str(tests), str(tests / "components" / "compare" / "report")]
    begun = globals()[stage](folder, size, *more)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print()
    print(json.dumps({"cpu": time.process_time() - begun, "memory": used.ru_maxrss / 2**20}))


def main() -> None:
    """Measure each stage at three sizes."""
    given = [int(word) for word in sys.argv[1:] + DEFAULTS[len(sys.argv) - 1 :]]
    images, tests, arms, replicates, threads, sizes = given
    stages = {
        "prepare": (images, [threads]),
        "duplicates": (images, []),
        "synthesize": (images, [min(1000, 20 + images // 100), threads]),
        "compare": (tests, [arms, replicates]),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw(folder / "drawn", images, threads)
        for stage, (largest, more) in stages.items():
            before: tuple[int, float] | None = None
            for size in (largest // 10, 3 * largest // 10, largest)[-sizes:]:
                found = measure(stage, folder, size, more)
                seconds = max(found["cpu"], 1e-3)
                grown = f"exponent {math.log(seconds / before[1]) / math.log(size / before[0]):.2f}" if before else ""
                print(f"{stage:11}{size:8,}{seconds:9.1f} s of CPU{found['memory']:7.2f} GiB  {grown}", flush=True)
                before = size, seconds


if __name__ == "__main__":
    if sys.argv[1:] and not sys.argv[1].isdigit():
        run_stage(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), [int(word) for word in sys.argv[4:]])
    else:
        main()
