"""The classifier as the paper prints it (appendix, "Full structure of CNN"), and variants of other complexity."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from keras import layers

VARIANTS: dict[str, dict[str, int]] = {"paper": {}, "paper-wide": {"width": 2}, "paper-deep": {"depth": 2}}


@dataclass(frozen=True)
class Networks:
    """One network twice, with the same weights in the same order.

    Both take pixels, float32 in 0..1, N x S x S x 3. `logits` gives N x 1 (two classes: the positive one) or N x C,
    `probabilities` the same after a sigmoid or softmax: a loss from logits doesn't overflow where a sigmoid saturates.
    `initial` returns the weights that a training with some seed begins with.
    """

    logits: keras.Model
    probabilities: keras.Model
    initial: Callable[[int], list[np.ndarray]]


def weights_of(networks: Networks) -> dict[str, int]:
    """Return how many numbers a network holds (`weights`), and how many of them learn (`trainable_weights`)."""
    model = networks.logits
    return {
        name: int(sum(np.prod(weight.shape, dtype=np.int64) for weight in weights))
        for name, weights in (("weights", model.weights), ("trainable_weights", model.trainable_weights))
    }


def paper_networks(image_size: int, classes: int, dropout: float = 0.25, variant: str = "paper") -> Networks:
    """Return the paper's network, or a variant of it, with fresh weights for each seed."""
    logits, probabilities = (
        printed_network(image_size, classes, dropout, logits=logits, **VARIANTS[variant]) for logits in (True, False)
    )
    return Networks(logits, probabilities, lambda seed: initial_weights(logits, seed))


def printed_network(
    image_size: int, classes: int, dropout: float = 0.25, logits: bool = False, width: int = 1, depth: int = 1
) -> keras.Sequential:
    """Return the printed network: images (float32, N x S x S x 3, in 0..1) to probabilities.

    For two classes its output (N x 1) is the probability of the positive class, by a sigmoid; beyond, the
    probability of each class (N x C), by a softmax. At 32 x 32 and two classes it has 108,225 parameters, in the shapes
    of the paper's table: the second pooling rounds up (15 to 8), the third down (7 to 3). The paper prints neither the
    activations nor the dropout rates; here they are ReLU and `dropout`.

    With `logits` the last activation is left out; all else is the same, so that the weights of the two interchange.
    `width` multiplies the feature maps; beyond a `depth` of 1, further convolutions that keep the size follow each.
    """
    outputs, activation = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    third_pooling = "valid" if image_size >= 20 else "same"  # below 20, rounding down leaves conv 4 too little

    def convolutions(maps: int, kernel: int, padding: str = "valid") -> list[layers.Layer]:
        first = layers.Conv2D(maps * width, kernel, padding=padding, activation="relu")
        more = [layers.Conv2D(maps * width, kernel, padding="same", activation="relu") for _ in range(depth - 1)]
        return [first, *more]

    return keras.Sequential(
        [
            keras.Input((image_size, image_size, 3)),  # at 32 x 32:
            *convolutions(32, 3, "same"),  # 32 x 32 x 32, 896 parameters
            layers.MaxPooling2D(2),  # 16 x 16 x 32
            layers.Dropout(dropout),
            *convolutions(64, 2),  # 15 x 15 x 64, 8256
            layers.MaxPooling2D(2, padding="same"),  # 8 x 8 x 64
            layers.Dropout(dropout),
            *convolutions(128, 2),  # 7 x 7 x 128, 32,896
            layers.MaxPooling2D(2, padding=third_pooling),  # 3 x 3 x 128
            layers.Dropout(dropout),
            *convolutions(128, 2),  # 2 x 2 x 128, 65,664
            layers.Dropout(dropout),
            layers.Flatten(),  # 512
            layers.Dense(outputs, activation=None if logits else activation),  # 1, 513
        ]
    )


def initial_weights(network: keras.Sequential, seed: int) -> list[np.ndarray]:
    """Return fresh weights as Keras would draw them (Glorot uniform kernels, zero biases), fixed by `seed`."""
    seeds = np.random.SeedSequence(seed).generate_state(len(network.weights))
    return [
        np.zeros(weight.shape, np.float32)
        if len(weight.shape) == 1
        else np.asarray(keras.initializers.GlorotUniform(int(s >> 1))(weight.shape))
        for weight, s in zip(network.weights, seeds, strict=True)
    ]


def to_floats(images: tf.Tensor) -> tf.Tensor:
    """Return pixels (uint8, 0..255) as the networks take them: float32 in 0..1."""
    return tf.cast(images, tf.float32) / 255.0


def class_probabilities(outputs: np.ndarray, positive: int) -> np.ndarray:
    """Return the probability of each class (float32, N x C) from a printed network's outputs (N x 1 or N x C)."""
    if outputs.shape[1] > 1:
        return outputs
    columns = [1 - outputs, outputs] if positive == 1 else [outputs, 1 - outputs]
    return np.concatenate(columns, axis=1)
