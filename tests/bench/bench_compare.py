"""How long a full comparison takes, and its memory: 5 arms, 5 replicates.

python tests/bench/bench_compare.py [images of each class ...]
"""

import resource
import sys
import time
from pathlib import Path

import numpy as np

# gansweep's own packages too: tests/ has folders of their names.
sys.path += [str(Path(__file__).parents[2] / place) for place in ("", "tests", "tests/components/compare")]
import verdict_inputs as inputs

from components.compare.ledger import find_changes
from components.compare.verdict_file import build_verdict

CLASSES = ("benign", "malignant")
ARMS = {"real": 0, "gan:120": 120, "gan:480": 480, "gan:960": 960, "traditional": 0}


def measure(per_class: int) -> None:
    """Print the seconds of a comparison on a test set of two classes of `per_class` images."""
    labels = np.repeat([0, 1], per_class)
    test, synthetic = inputs.image_set(labels, CLASSES), inputs.synthetic_set(CLASSES, 960)
    evaluations = [
        inputs.evaluation(arm, inputs.probabilities(labels, CLASSES, 1.3, 5, seed), labels, CLASSES, 1, count)
        for seed, (arm, count) in enumerate(ARMS.items())
    ]
    plan = inputs.plan(ARMS, replicates=5)
    start = time.perf_counter()
    build_verdict(
        plan,
        evaluations,
        test,
        test.subset(slice(0)),
        inputs.data_report(test),
        inputs.audit(CLASSES),
        inputs.copies(CLASSES),
        inputs.gans(CLASSES),
        inputs.fidelity(CLASSES),
    )
    built = time.perf_counter()
    changes = find_changes(evaluations, test, synthetic, "malignant")
    listed = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{len(test):,} test images: verdict {built - start:.1f} s, ledger of {len(changes):,} changes "
        f"{listed - built:.1f} s, peak memory {peak:.2f} GiB"
    )


if __name__ == "__main__":
    for size in map(int, sys.argv[1:] or ["330", "15000"]):
        measure(size)
