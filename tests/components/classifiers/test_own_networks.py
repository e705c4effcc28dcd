"""A user's `.keras` file and Keras's own architectures as classifiers."""

import h5py
import keras
import numpy as np
import pytest
from keras import layers
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group
from own_models import residual_model, saved

from components.classifiers.own import networks_of_application, networks_of_file
from components.contracts.errors import InputError

PICTURES = np.random.default_rng(0).random((3, 32, 32, 3), dtype=np.float32)


@pytest.mark.parametrize("top", ["softmax", "logits", "features", "maps"])
@pytest.mark.parametrize(("classes", "outputs"), [(2, 1), (4, 4)])
def test_classes_are_replaced_and_features_get_a_head(tmp_path, top, classes, outputs):
    path = saved(tmp_path, residual_model(top=top, units=classes))
    networks = networks_of_file(path, 32, classes)
    assert networks.logits(PICTURES, training=False).shape == (3, outputs)
    heads = [layer for layer in networks.logits.layers if isinstance(layer, layers.Dense)]
    assert [head.units for head in heads] == [outputs]
    assert heads[0].kernel.shape[0] == 8
    expected = keras.ops.sigmoid if classes == 2 else keras.ops.softmax
    np.testing.assert_allclose(
        networks.probabilities(PICTURES, training=False),
        expected(networks.logits(PICTURES, training=False)),
        rtol=1e-5,
        atol=1e-6,
    )


def test_pixels_reach_the_network_in_the_range_and_size_it_wants(tmp_path):
    body = keras.Sequential([keras.Input((16, 16, 1)), layers.Rescaling(1 / 255), layers.Conv2D(1, 1, use_bias=False)])
    body.layers[-1].set_weights([np.ones((1, 1, 1, 1), np.float32)])
    networks = networks_of_file(saved(tmp_path, body), 32, 2)
    networks.logits.layers[-1].set_weights([np.ones((1, 1), np.float32), np.zeros(1, np.float32)])
    grey = PICTURES @ np.array([0.2989, 0.5870, 0.1140], np.float32)
    np.testing.assert_allclose(networks.logits(PICTURES, training=False).numpy()[:, 0], grey.mean((1, 2)), atol=2e-3)


def test_a_training_begins_with_the_files_weights_or_with_new_ones(tmp_path):
    model = residual_model()
    path = saved(tmp_path, model)
    kernel = model.layers[2].get_weights()[0]
    kept = networks_of_file(path, 32, 2)
    first, second = kept.initial(1), kept.initial(2)
    assert any(np.array_equal(weight, kernel) for weight in first)
    assert [np.array_equal(a, b) for a, b in zip(first, second, strict=True)].count(False) == 1  # the head's kernel
    fresh = networks_of_file(path, 32, 2, from_file=False)
    assert not any(np.array_equal(weight, kernel) for weight in fresh.initial(1))
    for again, once in zip(fresh.initial(1), networks_of_file(path, 32, 2, from_file=False).initial(1), strict=True):
        np.testing.assert_array_equal(again, once)


def test_the_head_alone_learns_if_asked(tmp_path):
    networks = networks_of_file(saved(tmp_path, residual_model()), 32, 2, train_all=False)
    assert [weight.shape for weight in networks.logits.trainable_variables] == [(8, 1), (1,)]


def test_what_is_saved_is_loaded_without_code(tmp_path):
    networks = networks_of_file(saved(tmp_path, residual_model(colours=1)), 32, 2)
    networks.probabilities.save(tmp_path / "trained.keras")
    again = keras.saving.load_model(tmp_path / "trained.keras", safe_mode=True)
    np.testing.assert_array_equal(again(PICTURES, training=False), networks.probabilities(PICTURES, training=False))


def test_maps_flattened_for_another_size_are_resized_to_the_models_own(tmp_path):
    networks = networks_of_file(saved(tmp_path, residual_model(size=16, flat=True, top="logits")), 32, 2)
    assert networks.logits(PICTURES, training=False).shape == (3, 1)


def test_an_architecture_of_keras_takes_its_weights_from_a_file_and_its_own_pixels(tmp_path):
    model = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg")
    model.save_weights(tmp_path / "mobilenet.weights.h5")
    networks = networks_of_application("MobileNetV2", tmp_path / "mobilenet.weights.h5", 32, 2)
    body = keras.Model(networks.logits.input, networks.logits.layers[-1].input)
    np.testing.assert_allclose(body(PICTURES, training=False), model(PICTURES * 2 - 1, training=False), atol=1e-4)
    published = tmp_path / "mobilenet_no_top.h5"  # laid out as the files that Keras publishes
    with h5py.File(published, "w") as file:
        save_weights_to_hdf5_group(file, model)
    again = networks_of_application("MobileNetV2", published, 64, 2).initial(0)
    assert all(np.array_equal(one, other) for one, other in zip(model.get_weights(), again, strict=False))
    with pytest.raises(InputError, match="classifier_weights: .*not weights of ResNet50 without its top; give those"):
        networks_of_application("ResNet50", tmp_path / "mobilenet.weights.h5", 32, 2)
    with pytest.raises(InputError, match="image_size: InceptionV3 can't have 32"):
        networks_of_application("InceptionV3", None, 32, 2)
