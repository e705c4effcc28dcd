from dataclasses import replace

import numpy as np
import pytest

from components.contracts.arms import parse_arm
from components.contracts.errors import InputError
from components.train_classifier.mix import training_rows


@pytest.fixture
def development(colour_set):
    return colour_set(20)


@pytest.fixture
def synthetic(colour_set):
    """Two GAN replicates of 10 images a class each."""
    whole = colour_set(20, split="synthetic")
    return replace(whole, groups=np.array(["gan-0", "gan-1"])[np.arange(40) % 20 // 10])


def test_real_arm_learns_from_everything_outside_its_validation_fold(development):
    for replicate in range(6):
        mixed = training_rows(development, None, parse_arm("real"), replicate, 1)
        np.testing.assert_array_equal(mixed.real, np.flatnonzero(~development.validation_mask(replicate)))
        np.testing.assert_array_equal(mixed.labels, development.labels[mixed.real])
        np.testing.assert_array_equal(mixed.images(development, None), development.images[mixed.real])
        assert mixed.synthetic_per_class == {"benign": 0, "malignant": 0}


def test_gan_arm_adds_the_first_images_of_its_gan_replicate(development, synthetic):
    for replicate, first in ((0, 0), (1, 10), (2, 0)):
        mixed = training_rows(development, synthetic, parse_arm("gan:4"), replicate, 2)
        added = np.concatenate([np.arange(first, first + 4), np.arange(20 + first, 24 + first)])
        np.testing.assert_array_equal(mixed.synthetic, added)
        np.testing.assert_array_equal(mixed.labels[32:], [0] * 4 + [1] * 4)
        np.testing.assert_array_equal(mixed.images(development, synthetic)[32:], synthetic.images[added])
        assert mixed.synthetic_per_class == {"benign": 4, "malignant": 4}


def test_larger_arm_contains_the_smaller_one(development, synthetic):
    smaller, larger = (training_rows(development, synthetic, parse_arm(f"gan:{n}"), 0, 2) for n in (3, 7))
    assert set(smaller.synthetic) <= set(larger.synthetic)


def test_share_is_of_the_real_training_rows_of_each_class(development, synthetic):
    fewer = np.flatnonzero((development.labels == 0) | (development.folds < 3))
    columns = ("images", "paths", "labels", "splits", "folds", "groups", "sha256")
    uneven = replace(development, **{column: getattr(development, column)[fewer] for column in columns})
    mixed = training_rows(uneven, synthetic, parse_arm("gan:50%"), 0, 2)
    assert mixed.synthetic_per_class == {"benign": 8, "malignant": 4}


def test_only_gan_arm_holds_no_real_image(development, synthetic):
    mixed = training_rows(development, synthetic, parse_arm("only-gan:5"), 1, 2)
    assert len(mixed.real) == 0
    assert len(mixed.labels) == 10


@pytest.mark.parametrize("arm", ["gan:4", "traditional+gan:50%", "only-gan:3"])
def test_missing_synthetic_set_is_refused(development, arm):
    with pytest.raises(InputError, match=r"needs synthetic images"):
        training_rows(development, None, parse_arm(arm), 0, 1)


def test_too_few_synthetic_images_are_refused(development, synthetic):
    with pytest.raises(InputError, match="11 images of benign wanted, 10 there"):
        training_rows(development, synthetic, parse_arm("gan:11"), 0, 2)


def test_synthetic_set_of_another_size_is_refused(development, colour_set):
    with pytest.raises(InputError, match="at 24 pixels, the development set"):
        training_rows(development, colour_set(20, size=24, split="synthetic"), parse_arm("gan:4"), 0, 1)


def test_class_without_training_images_is_refused(development, synthetic):
    with pytest.raises(InputError, match="'only-gan:1%' has no training images of benign"):
        training_rows(development, synthetic, parse_arm("only-gan:1%"), 0, 2)
