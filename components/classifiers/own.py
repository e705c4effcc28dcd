"""A user's network as a classifier: a `.keras` file, or an architecture of Keras with a file of its weights."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from components.classifiers.network import Networks
from components.contracts.errors import InputError
from components.contracts.keras_file import LARGE_MEAN, read_keras_file

# What Keras raises of files that are broken or of another network.
_UNREADABLE = (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, UserWarning, tf.errors.OpError)


def networks_of_file(
    path: Path, image_size: int, classes: int, *, name: str = "", train_all: bool = True, from_file: bool = True
) -> Networks:
    """Return the network in a `.keras` file with a head for so many classes.

    A last layer that gives classes (Dense, with or without softmax or sigmoid) is replaced, features get a head of
    their own; maps are averaged over the picture first. Pictures are resized to the model's input, and made grey for a
    model of one colour. With `train_all` every weight learns that the file leaves trainable, else the head alone; with
    `from_file` a training begins with the file's weights (the head's are always new), else with weights drawn afresh.
    Raises InputError, with the file's `name`, as `read_keras_file` does, or if Keras can't load the file.
    """
    about = read_keras_file(path)
    name = name or path.name
    try:
        with _nothing_skipped():
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except _UNREADABLE as error:
        raise InputError(f"classifier: {name}: Keras can't load it ({_short(error)})") from None

    rescales = about.rescales or any(
        np.max(layer.mean) > LARGE_MEAN for layer in _all_layers(model) if isinstance(layer, layers.Normalization)
    )

    def enter(pictures: Any) -> Any:
        if rescales:
            pictures = layers.Rescaling(255.0)(pictures)
        if about.height and (about.height, about.width) != (image_size, image_size):
            pictures = layers.Resizing(about.height, about.width)(pictures)
        return keras.ops.image.rgb_to_grayscale(pictures) if about.channels == 1 else pictures

    try:
        return _with_head(_features(model, classes), enter, image_size, classes, train_all, from_file)
    except ValueError as error:  # a map shrinks to nothing, maps flattened for another size
        size = f"{image_size} x {image_size}"
        raise InputError(f"classifier: {name}: does not take pictures of {size} ({_short(error)})") from None


def networks_of_application(
    application: str, weights: Path | None, image_size: int, classes: int, *, name: str = "", train_all: bool = True
) -> Networks:
    """Return an architecture of `keras.applications` with a head for so many classes.

    `weights` is a file of weights without the top (`.h5`, as Keras publishes them); None draws them afresh. Pixels are
    brought to the range that the architecture was trained in. Raises InputError, with the file's `name`, if the file is
    not of this architecture, or the pictures are too small for it.
    """
    build = getattr(keras.applications, application)
    preprocess = sys.modules[build.__module__].preprocess_input
    try:
        body = build(include_top=False, weights=None, input_shape=(image_size, image_size, 3), pooling="avg")
    except ValueError as error:
        raise InputError(f"image_size: {application} can't have {image_size} ({_short(error)})") from None
    if weights:
        try:
            with _nothing_skipped():
                body.load_weights(weights)
        except _UNREADABLE as error:
            reason = f"not weights of {application} without its top; give those of {application}(include_top=False)"
            raise InputError(f"classifier_weights: {name or weights.name}: {reason} ({_short(error)})") from None
    return _with_head(body, lambda x: preprocess(x * 255.0), image_size, classes, train_all, weights is not None)


def _with_head(
    body: keras.Model, enter: Callable, image_size: int, classes: int, train_all: bool, from_file: bool
) -> Networks:
    if not train_all:
        body.trainable = False
    pictures = keras.Input((image_size, image_size, 3))
    features = body(enter(pictures))
    if len(features.shape) == 4:
        features = layers.GlobalAveragePooling2D()(features)
    if len(features.shape) != 2:
        raise ValueError(f"its features have the shape {features.shape}")
    head = layers.Dense(1 if classes == 2 else classes, name="gansweep_head")
    logits = head(features)
    network = keras.Model(pictures, logits)
    probabilities = keras.Model(pictures, layers.Activation("sigmoid" if classes == 2 else "softmax")(logits))
    kept = body.get_weights()
    # What was measured of pixels, not learnt, is no matter of chance.
    fixed = [(layer, layer.get_weights()) for layer in _all_layers(body) if isinstance(layer, layers.Normalization)]

    def initial(seed: int) -> list[np.ndarray]:
        if from_file:
            body.set_weights(kept)
        else:
            keras.utils.set_random_seed(seed)
            body.set_weights(keras.models.clone_model(body).get_weights())
            for layer, values in fixed:
                layer.set_weights(values)
        head.kernel.assign(keras.initializers.GlorotUniform(seed)(head.kernel.shape))
        head.bias.assign(np.zeros(head.bias.shape, np.float32))
        return network.get_weights()

    return Networks(network, probabilities, initial)


def _all_layers(model: keras.Model) -> Iterator[layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _all_layers(layer)
        else:
            yield layer


def _features(model: keras.Model, classes: int) -> keras.Model:
    """Return a model less its last layer, if that gives classes."""
    last = model.layers[-1]
    ending = len(model.layers) > 1 and (isinstance(last, layers.Softmax) or _gives_probabilities(last))
    dense = model.layers[-2] if ending and not isinstance(last, layers.Dense) else last
    gives_classes = isinstance(dense, layers.Dense) and (ending or dense.units in (1, classes))
    return keras.Model(model.inputs, dense.input) if gives_classes else model


def _gives_probabilities(layer: layers.Layer) -> bool:
    activation = getattr(layer, "activation", None)
    return activation in (keras.activations.softmax, keras.activations.sigmoid)


@contextmanager
def _nothing_skipped() -> Iterator[None]:
    """Raise UserWarning where Keras passes over a layer whose weights the file lacks, and goes on with random ones."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="(?i)skipping|.*not loaded", category=UserWarning)
        yield


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
