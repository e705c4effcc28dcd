"""How TensorFlow runs: on a fixed number of threads, deterministically, on a GPU if there is one."""

import tensorflow as tf


def use_threads(threads: int) -> None:
    """Run every operation on `threads` threads and give the same bits for the same seed.

    Must stand before the first operation of the process; asking for the same number again is fine, for another one
    raises RuntimeError.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)  # operations one after the other: one order of sums
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.experimental.enable_op_determinism()
