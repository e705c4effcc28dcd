"""Keras models as users have them, small."""

import keras
from keras import layers


def residual_model(size=24, colours=3, top="softmax", units=2, rescaling=True, flat=False):
    """A small residual network as people save one."""
    pictures = keras.Input((size, size, colours))
    x = layers.Rescaling(1 / 255)(pictures) if rescaling else pictures
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", use_bias=False)(x)))
    x = layers.Add()([x, layers.Conv2D(8, 3, padding="same", activation="relu")(x)])
    if top == "maps":
        return keras.Model(pictures, x)
    x = layers.Flatten()(x) if flat else layers.GlobalAveragePooling2D()(x)
    if top == "features":
        return keras.Model(pictures, x)
    x = layers.Dense(units)(layers.Dropout(0.2)(x))
    return keras.Model(pictures, layers.Softmax()(x) if top == "softmax" else x)


def saved(tmp_path, model):
    path = tmp_path / "mine.keras"
    model.save(path)
    return path
