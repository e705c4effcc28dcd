"""A frozen body: what it makes of each image is computed once, and the heads of all replicates learn from that."""

import numpy as np
import tensorflow as tf

from components.classifiers.network import Networks, to_floats

_BATCH = 64


def features_of(networks: Networks, images: np.ndarray) -> np.ndarray:
    """Return what the frozen body of `networks` makes of images (uint8, N x S x S x 3), float32 N x D."""
    frozen = networks.frozen
    if frozen is None:
        raise ValueError("these networks have no frozen body")
    look = tf.function(
        lambda batch: tf.cast(frozen(to_floats(batch), training=False), tf.float32),
        input_signature=[tf.TensorSpec((None, *images.shape[1:]), tf.uint8)],
    )
    parts = [look(images[start : start + _BATCH]).numpy() for start in range(0, len(images), _BATCH)]
    return np.concatenate(parts) if parts else np.empty((0, frozen.output_shape[1]), np.float32)


def heads_of(networks: Networks) -> Networks:
    """Return the head of `networks` with a frozen body, from features to logits; it shares its weights with them."""
    head = networks.head
    if head is None:
        raise ValueError("these networks have no frozen body")
    count = len(head.weights)
    return Networks(head, networks.probabilities, lambda seed: networks.initial(seed)[-count:])
