import keras
import numpy as np
import pytest
import tensorflow as tf

from components.classifiers.network import (
    class_probabilities,
    initial_weights,
    paper_networks,
    printed_network,
)

# The paper's appendix, "Full structure of CNN": layer, output shape, parameters.
PAPER = [
    ("Conv2D", (None, 32, 32, 32), 896),
    ("MaxPooling2D", (None, 16, 16, 32), 0),
    ("Dropout", (None, 16, 16, 32), 0),
    ("Conv2D", (None, 15, 15, 64), 8256),
    ("MaxPooling2D", (None, 8, 8, 64), 0),
    ("Dropout", (None, 8, 8, 64), 0),
    ("Conv2D", (None, 7, 7, 128), 32896),
    ("MaxPooling2D", (None, 3, 3, 128), 0),
    ("Dropout", (None, 3, 3, 128), 0),
    ("Conv2D", (None, 2, 2, 128), 65664),
    ("Dropout", (None, 2, 2, 128), 0),
    ("Flatten", (None, 512), 0),
    ("Dense", (None, 1), 513),
]


def layers_of(network):
    return [(type(layer).__name__, tuple(layer.output.shape), layer.count_params()) for layer in network.layers]


def test_network_is_the_papers_layer_by_layer():
    network = printed_network(32, 2)
    assert layers_of(network) == PAPER
    assert network.count_params() == 108_225
    assert network.layers[-1].activation is keras.activations.sigmoid


@pytest.mark.parametrize("size", [16, 17, 19, 20, 21, 50, 64, 127, 128])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_network_fits_other_sizes_and_numbers_of_classes(size, classes):
    network = printed_network(size, classes)
    outputs = network(np.zeros((3, size, size, 3), np.float32)).numpy()
    assert outputs.shape == (3, 1 if classes == 2 else classes)
    if classes > 2:
        np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("classes", [2, 4])
def test_network_for_training_gives_the_logits_of_the_printed_probabilities(classes):
    network, for_training = printed_network(32, classes), printed_network(32, classes, logits=True)
    for_training.set_weights(initial_weights(for_training, 3))
    network.set_weights(for_training.get_weights())
    images = np.random.default_rng(0).random((5, 32, 32, 3), np.float32)
    activation = tf.sigmoid if classes == 2 else tf.nn.softmax
    np.testing.assert_allclose(network(images), activation(for_training(images)), rtol=1e-5)
    assert layers_of(for_training) == layers_of(network)


def test_initial_weights_are_those_of_keras_and_fixed_by_the_seed():
    network = printed_network(32, 2)
    first, again, other = (initial_weights(network, seed) for seed in (0, 0, 1))
    for a, b, c, keras_own in zip(first, again, other, network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.shape == keras_own.shape
        if a.ndim == 1:
            assert not a.any()
        else:
            assert (a != c).any()
            assert a.std() == pytest.approx(keras_own.std(), rel=0.1)


def test_binary_output_becomes_two_columns_in_the_order_of_the_classes():
    outputs = np.array([[0.9], [0.2]], np.float32)
    np.testing.assert_allclose(class_probabilities(outputs, 0), [[0.9, 0.1], [0.2, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(class_probabilities(outputs, 1), [[0.1, 0.9], [0.8, 0.2]], rtol=1e-6)


def test_variants_are_wider_or_deeper_than_the_papers_network():
    paper, wide, deep = (paper_networks(32, 2, variant=name).logits for name in ("paper", "paper-wide", "paper-deep"))
    assert paper.count_params() == 108_225
    assert wide.layers[0].filters == 2 * paper.layers[0].filters
    assert sum(isinstance(layer, keras.layers.Conv2D) for layer in deep.layers) == 8
    assert deep.output_shape == paper.output_shape
