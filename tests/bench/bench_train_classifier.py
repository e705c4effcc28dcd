"""Measures the training of classifiers: seconds an epoch, before the first epoch, and memory.

    python tests/bench/bench_train_classifier.py [images] [size] [threads]

Defaults: 2112 images (the training rows of the paper's data set) of 32 x 32 on one thread.
"""

import resource
import sys
import time

import numpy as np

IMAGES, SIZE, THREADS = (int(given) for given in sys.argv[1:] + ["2112", "32", "1"][len(sys.argv) - 1 :])


def main() -> None:
    """Time a plain and an augmented arm at batch sizes 32 and 128."""
    start = time.perf_counter()
    from components.classifiers.network import paper_networks
    from components.classifiers.runtime import use_threads
    from components.train_classifier.fit import Fitter

    print(f"import: {time.perf_counter() - start:.2f} s")
    use_threads(THREADS)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (IMAGES, SIZE, SIZE, 3), dtype=np.uint8)
    targets, weights = rng.integers(0, 2, IMAGES), np.ones(IMAGES, np.float32)
    for augmented in (False, True):
        for batch_size in (32, 128):
            fitter = Fitter(paper_networks(SIZE, 2), 1e-3, batch_size, augmented)
            fitter.restart(0)
            seconds = []
            for epoch in range(4):
                start = time.perf_counter()
                fitter.epoch(images.__getitem__, targets, weights, rng.permutation(IMAGES), epoch)
                seconds.append(time.perf_counter() - start)
            fitter.logits(images.__getitem__, IMAGES)
            start = time.perf_counter()
            fitter.logits(images.__getitem__, IMAGES).numpy()
            prediction = time.perf_counter() - start
            print(
                f"{IMAGES} images of {SIZE} x {SIZE}, {THREADS} thread(s), batch {batch_size}, augmented {augmented}: "
                f"{min(seconds[1:]):.2f} s an epoch, {seconds[0] - min(seconds[1:]):.2f} s to trace, "
                f"{prediction:.2f} s to predict"
            )
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
