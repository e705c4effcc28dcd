"""Fits one network to images, epoch by epoch; the network is built and its epoch traced once, whatever is fitted."""

from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from components.classifiers.network import Networks, to_floats
from components.classifiers.predict import batch_of
from components.train_classifier.augment import augment

# Gives the images (uint8, n x S x S x 3) of some rows (int64, n).
Pixels = Callable[[np.ndarray], np.ndarray]


class Fitter:
    """A network that gives logits, its optimiser (Adam) and its traced epoch.

    Images are read batch by batch, as there may be more of them than fit in memory. Targets are int64: for two classes
    1 for the positive one, else 0; beyond, the number of the class. Weights are float32 (N), 1 where every image counts
    alike.
    """

    def __init__(self, networks: Networks, learning_rate: float, batch_size: int, augmented: bool) -> None:
        """Take a network to be fitted; with `augmented`, training images are augmented anew each epoch."""
        self.network = networks.logits
        self.initial = networks.initial
        self.optimizer = keras.optimizers.Adam(learning_rate)
        self.optimizer.build(self.network.trainable_variables)
        self.batch_size = batch_size
        self.augmented = augmented
        self._pixels: Pixels = np.empty
        numbers = tf.TensorSpec((None,), tf.int64)
        weights = tf.TensorSpec((None,), tf.float32)
        self.traced_epoch = tf.function(self._epoch, [numbers, weights, numbers, tf.TensorSpec((), tf.int32)])
        self.traced_logits = tf.function(self._logits, [tf.TensorSpec((), tf.int64)])

    def epoch(
        self, pixels: Pixels, targets: tf.Tensor, weights: tf.Tensor, order: np.ndarray, seed: int
    ) -> tuple[float, float]:
        """Take one step for every batch of rows in `order`; return the mean loss and accuracy met on the way."""
        self._pixels = pixels
        loss, accuracy = self.traced_epoch(targets, weights, order, seed).numpy().tolist()
        return loss, accuracy

    def logits(self, pixels: Pixels, count: int) -> tf.Tensor:
        """Return the logits (float32, N x 1 or N x C) of the first `count` images, without dropout."""
        self._pixels = pixels
        return self.traced_logits(count)

    def restart(self, seed: int) -> None:
        """Forget all that was learnt: first weights, optimiser and dropout, fixed by `seed`."""
        self.network.set_weights(self.initial(seed))
        for variable in self.optimizer.variables:
            if variable is not self.optimizer.learning_rate:
                variable.assign(np.zeros(variable.shape, variable.dtype))
        random = list(_random_layers(self.network))
        seeds = np.random.SeedSequence([seed, 1]).generate_state(len(random))
        for layer, layer_seed in zip(random, seeds, strict=True):
            layer.seed_generator.state.assign(np.array([layer_seed, 0], np.uint32))

    def _read(self, rows: tf.Tensor) -> tf.Tensor:
        batch = tf.numpy_function(lambda numbers: self._pixels(numbers), [rows], tf.uint8, stateful=True)
        batch.set_shape((None, *self.network.input_shape[1:]))
        return to_floats(batch)

    def _epoch(self, targets: tf.Tensor, weights: tf.Tensor, order: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        sums = tf.zeros(2)
        for start in tf.range(0, tf.size(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            batch = self._read(rows)
            if self.augmented:
                batch = augment(batch, tf.stack([seed, start]))
            wanted = tf.gather(targets, rows)
            with tf.GradientTape() as tape:
                logits = self.network(batch, training=True)
                losses = losses_of(logits, wanted)
                loss = tf.reduce_mean(losses * tf.gather(weights, rows))
            variables = self.network.trainable_variables
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            sums += tf.stack([tf.reduce_sum(losses), tf.reduce_sum(tf.cast(hits_of(logits, wanted), tf.float32))])
        return sums / tf.cast(tf.size(order), tf.float32)

    def _logits(self, count: tf.Tensor) -> tf.Tensor:
        parts = tf.TensorArray(tf.float32, 0, dynamic_size=True, infer_shape=False)
        step = batch_of(self.network.input_shape[1])
        for start in tf.range(0, count, step):
            batch = self._read(tf.range(start, tf.minimum(start + step, count)))
            parts = parts.write(parts.size(), self.network(batch, training=False))
        return parts.concat()


def _random_layers(network: keras.Model) -> Iterator[keras.layers.Layer]:
    """Give the layers that draw numbers (dropout and its kin), those of networks within the network too."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _random_layers(layer)
        elif getattr(layer, "seed_generator", None) is not None:
            yield layer


def losses_of(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy (nats, float32, N) of each image, from logits."""
    if logits.shape[1] == 1:
        return tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(targets, tf.float32), logits[:, 0])
    return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)


def hits_of(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Return whether each image is decided rightly (bool, N): positive from probability 0.5 on, or the likeliest."""
    decided = tf.cast(logits[:, 0] >= 0, tf.int64) if logits.shape[1] == 1 else tf.argmax(logits, axis=1)
    return decided == targets


def outputs_of(logits: tf.Tensor) -> tf.Tensor:
    """Return what the printed network gives where this one gives `logits`: probabilities of the same shape."""
    return tf.sigmoid(logits) if logits.shape[1] == 1 else tf.nn.softmax(logits)
