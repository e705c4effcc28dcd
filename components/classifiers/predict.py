"""Predicts images with the models of an arm."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.classifiers.network import to_floats
from components.classifiers.runtime import use_threads
from components.contracts.errors import InputError
from components.contracts.pixels import taken

_BATCH = 256  # images of 64 x 64 pixels: what a network makes of them fits in memory


def batch_of(size: int) -> int:
    """Return how many images of a size in pixels are predicted at a time."""
    return max(1, min(_BATCH, _BATCH * 64**2 // size**2))


def outputs_of_models(paths: list[Path], images: np.ndarray, threads: int) -> np.ndarray:
    """Return the outputs (float32, R x N x 1 or R x N x C) of each saved network for `images` (uint8, N x S x S x 3).

    The first model is loaded and traced; the others only lend it their weights, so all must be of one shape. Raises
    InputError if a file isn't such a model or takes images of another size.
    """
    use_threads(threads)
    network = _loaded(paths[0], keras.saving.load_model)
    if network.input_shape[1:] != images.shape[1:]:
        sizes = f"{network.input_shape[1]} x {network.input_shape[2]}, the images {images.shape[1]} x {images.shape[2]}"
        raise InputError(f"{paths[0]}: takes images of {sizes} pixels; make both in one run")
    predict = tf.function(
        lambda batch: network(to_floats(batch), training=False),
        input_signature=[tf.TensorSpec((None, *images.shape[1:]), tf.uint8)],
    )
    outputs, step = [], batch_of(images.shape[1])
    for path in paths:
        _loaded(path, network.load_weights)
        parts = []
        for start in range(0, len(images), step):
            parts.append(predict(taken(images, slice(start, start + step))).numpy())
        outputs.append(np.concatenate(parts))
    return np.stack(outputs)


def _loaded(path: Path, load: Callable[[Path], Any]) -> Any:
    try:
        return load(path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a saved classifier ({' '.join(str(error).split())})") from None
