"""How TensorFlow runs: on a fixed number of threads, deterministically, on a GPU if that is asked for."""

import tensorflow as tf

from components.contracts.errors import InputError


def use_threads(threads: int, *, on_gpu: bool = False) -> None:
    """Run every operation on `threads` threads, on a GPU only if asked to, and give the same bits for the same seed.

    A pod may see GPUs that it has not asked for: these are others'. Must stand before the first operation of the
    process; asking for the same again is fine, for something else raises RuntimeError. Raises InputError if there is no
    GPU that TensorFlow can use.
    """
    if not on_gpu:
        tf.config.set_visible_devices([], "GPU")
    elif not tf.config.list_physical_devices("GPU"):
        raise InputError(
            "gpus: asked for, but this machine has none that TensorFlow can use; set it to 0, or build the classifier "
            "image with VARIANT=cuda"
        )
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)  # operations one after the other: one order of sums
    for gpu in tf.config.get_visible_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.experimental.enable_op_determinism()
