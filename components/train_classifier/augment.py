"""Traditional augmentation: each image turned, flipped, scaled and recoloured at random, anew every epoch."""

import math

import tensorflow as tf

SMALL_ROTATION = math.radians(15)  # either way, on top of a random quarter turn
SCALE = 0.1  # largest change of size, as a share
COLOUR = 0.2  # largest change of brightness, contrast and saturation, as a share


def augment(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Return random variants of `images` (float32, N x S x S x 3, in 0..1), fixed by `seed` (int32, 2).

    Quarter turns and flips leave a lesion as likely as it was; small rotations, scale and colour stand for how
    the picture was taken. What turns in from outside is the reflected border.
    """
    draws = tf.random.stateless_uniform((tf.shape(images)[0], 7), seed, -1.0, 1.0)
    quarter, flip, angle, scale, brightness, contrast, saturation = tf.unstack(draws, axis=1)
    turned = _turned(
        images,
        angle=tf.floor(2 * quarter) * (math.pi / 2) + SMALL_ROTATION * angle,
        scale=1 + SCALE * scale,
        mirror=tf.where(flip < 0, -1.0, 1.0),
    )
    return _recoloured(turned, 1 + COLOUR * brightness, 1 + COLOUR * contrast, 1 + COLOUR * saturation)


def _turned(images: tf.Tensor, angle: tf.Tensor, scale: tf.Tensor, mirror: tf.Tensor) -> tf.Tensor:
    """Turn each image about its centre by `angle` (radians), magnify it by `scale`, mirror it where `mirror` is -1."""
    size = images.shape[1]
    centre = (size - 1) / 2
    cosine, sine = tf.cos(angle) / scale, tf.sin(angle) / scale
    # Rows of the matrix from an output pixel (x, y) to the input pixel it shows.
    xx, xy, yx, yy = mirror * cosine, -sine, mirror * sine, cosine
    zero = tf.zeros_like(angle)
    matrix = [xx, xy, centre * (1 - xx - xy), yx, yy, centre * (1 - yx - yy), zero, zero]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack(matrix, axis=1),
        output_shape=[size, size],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )


def _recoloured(images: tf.Tensor, brightness: tf.Tensor, contrast: tf.Tensor, saturation: tf.Tensor) -> tf.Tensor:
    """Multiply each image's brightness, its distance from its mean, and that of its colours from their grey."""
    brightness, contrast, saturation = (f[:, None, None, None] for f in (brightness, contrast, saturation))
    images = images * brightness
    mean = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
    images = mean + contrast * (images - mean)
    grey = tf.reduce_mean(images, axis=3, keepdims=True)
    return tf.clip_by_value(grey + saturation * (images - grey), 0.0, 1.0)
