import numpy as np
import pytest
import tensorflow as tf

from components.train_classifier import augment as module
from components.train_classifier.augment import augment

SEED = np.array([1, 2], np.int32)


@pytest.fixture
def pictures():
    return np.random.default_rng(0).random((64, 12, 12, 3), np.float32)


def test_quarter_turns_and_flips_alone_are_exact_and_all_eight_occur(pictures, monkeypatch):
    for name in ("SMALL_ROTATION", "SCALE", "COLOUR"):
        monkeypatch.setattr(module, name, 0.0)
    found = augment(tf.constant(pictures), SEED).numpy()
    seen = set()
    for before, after in zip(pictures, found, strict=True):
        variants = [np.rot90(flipped, k) for flipped in (before, before[:, ::-1]) for k in range(4)]
        errors = [np.abs(variant - after).max() for variant in variants]
        assert min(errors) < 1e-4
        seen.add(int(np.argmin(errors)))
    assert seen == set(range(8))


def test_scale_above_one_magnifies(monkeypatch):
    disc = (np.hypot(*(np.mgrid[:32, :32] - 15.5)) < 8).astype(np.float32)
    images = tf.constant(np.repeat(disc[None, :, :, None], 3, axis=3))
    ones = tf.ones(1)
    grown = module._turned(images, tf.zeros(1), 1.25 * ones, ones)
    assert float(tf.reduce_mean(grown)) == pytest.approx(1.25**2 * disc.mean(), rel=0.03)


def test_variants_stay_in_range_and_differ_from_image_to_image_and_epoch_to_epoch(pictures):
    same = tf.constant(np.repeat(pictures[:1], 16, axis=0))
    found, later = augment(same, SEED).numpy(), augment(same, tf.constant([2, 2])).numpy()
    assert found.min() >= 0
    assert found.max() <= 1
    assert len({picture.tobytes() for picture in [*found, *later]}) == 32


def test_same_seed_gives_the_same_variants(pictures):
    np.testing.assert_array_equal(augment(tf.constant(pictures), SEED), augment(tf.constant(pictures), SEED))


def test_colours_change_as_their_names_say():
    image = tf.constant(np.random.default_rng(1).uniform(0.3, 0.6, (1, 6, 6, 3)).astype(np.float32))
    brighter, starker, redder = (
        module._recoloured(image, *factors) for factors in np.where(np.eye(3), 1.2, 1.0)[..., None].astype(np.float32)
    )
    np.testing.assert_allclose(brighter, 1.2 * image, rtol=1e-5)
    np.testing.assert_allclose(np.mean(starker), np.mean(image), rtol=1e-5)
    assert np.std(starker) == pytest.approx(1.2 * np.std(image), rel=0.1)
    np.testing.assert_allclose(np.mean(redder, axis=3), np.mean(image, axis=3), rtol=1e-5)
    np.testing.assert_allclose(np.std(redder, axis=3), 1.2 * np.std(image, axis=3), rtol=1e-4)
