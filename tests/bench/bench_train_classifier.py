"""Measures the training of classifiers: seconds an epoch, before the first epoch, and memory; Keras' own fit beside it.

    python tests/bench/bench_train_classifier.py [images] [size] [threads]

Defaults: 2112 images (the training rows of the paper's data set) of 32 x 32 on one thread. Keras has all pixels in
memory as float32, this trainer reads bytes batch by batch; network, optimiser and batches are the same.
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
            peer = (
                "" if augmented else f"; fit of Keras: {min(keras_fit(images, targets, batch_size)[1:]):.2f} s an epoch"
            )
            print(
                f"{IMAGES} images of {SIZE} x {SIZE}, {THREADS} thread(s), batch {batch_size}, augmented {augmented}: "
                f"{min(seconds[1:]):.2f} s an epoch, {seconds[0] - min(seconds[1:]):.2f} s to trace, "
                f"{prediction:.2f} s to predict{peer}"
            )
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def keras_fit(images: np.ndarray, targets: np.ndarray, batch_size: int) -> list[float]:
    """Return the seconds of each of 4 epochs of `fit` on the same network and images."""
    import keras

    from components.classifiers.network import printed_network

    keras.utils.set_random_seed(0)  # as this process computes deterministically
    network = printed_network(SIZE, 2, logits=True)
    network.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True))
    pixels, wanted = images.astype(np.float32) / 255, targets.astype(np.float32)
    moments = [time.perf_counter()]
    ended = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: moments.append(time.perf_counter()))
    network.fit(pixels, wanted, batch_size=batch_size, epochs=4, verbose=0, callbacks=[ended])
    return np.diff(moments).tolist()


if __name__ == "__main__":
    main()
