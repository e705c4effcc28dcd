import numpy as np
import pytest
import torch

from components.audit.encoder import FEATURES, encode, train_encoder


@pytest.fixture(scope="module")
def encoder_and_set(phantom_set):
    return train_encoder(phantom_set.images, phantom_set.labels, 0), phantom_set


def test_the_encoder_learns_the_classes(encoder_and_set):
    encoder, development = encoder_and_set
    with torch.inference_mode():
        features = torch.from_numpy(encode(encoder, development.images) * encoder.spread).float()
        decided = encoder.last(features).argmax(1)
    assert (decided.numpy() == development.labels).mean() > 0.65  # 120 phantoms are few


def test_features_are_finite_and_do_not_depend_on_the_batch(encoder_and_set):
    encoder, development = encoder_and_set
    features = encode(encoder, development.images)
    assert features.shape == (120, FEATURES)
    assert features.dtype == np.float64
    assert features.var(0).mean() == pytest.approx(1)
    np.testing.assert_allclose(encode(encoder, development.images, batch=7), features, atol=1e-5)


def test_the_same_seed_gives_the_same_encoder(encoder_and_set):
    encoder, development = encoder_and_set
    again = train_encoder(development.images, development.labels, 0)
    other = train_encoder(development.images, development.labels, 1)
    features = encode(encoder, development.images)
    assert np.array_equal(encode(again, development.images), features)
    assert not np.array_equal(encode(other, development.images), features)


@pytest.mark.parametrize("size", [16, 64, 128])
def test_every_image_size_has_features(size, monkeypatch):
    monkeypatch.setattr("components.audit.encoder.MOST_UPDATES", 3)
    rng = np.random.default_rng(size)
    images = rng.integers(0, 256, (12, size, size, 3), dtype=np.uint8)
    encoder = train_encoder(images, np.arange(12) % 3, 0)
    assert encode(encoder, images).shape == (12, FEATURES)
    assert encoder.last.out_features == 3
