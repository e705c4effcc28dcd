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
        mixed = training_rows(development, None, parse_arm("real"), replicate)
        np.testing.assert_array_equal(mixed.real, np.flatnonzero(~development.validation_mask(replicate)))
        np.testing.assert_array_equal(mixed.labels, development.labels[mixed.real])
        places = np.arange(len(mixed.labels))
        np.testing.assert_array_equal(mixed.images(development, None, places), development.images[mixed.real])
        assert mixed.synthetic_per_class == {"benign": 0, "malignant": 0}


def test_gan_arm_adds_the_first_images_of_its_gan_replicate(development, synthetic):
    for replicate, first in ((0, 0), (1, 10), (2, 0)):
        mixed = training_rows(development, synthetic, parse_arm("gan:4"), replicate)
        added = np.concatenate([np.arange(first, first + 4), np.arange(20 + first, 24 + first)])
        np.testing.assert_array_equal(mixed.synthetic, added)
        np.testing.assert_array_equal(mixed.labels[32:], [0] * 4 + [1] * 4)
        learnt = mixed.images(development, synthetic, np.arange(40))
        np.testing.assert_array_equal(learnt[32:], synthetic.images[added])
        mingled = np.random.default_rng(0).permutation(40)
        np.testing.assert_array_equal(mixed.images(development, synthetic, mingled), learnt[mingled])
        assert mixed.synthetic_per_class == {"benign": 4, "malignant": 4}


def test_larger_arm_contains_the_smaller_one(development, synthetic):
    smaller, larger = (training_rows(development, synthetic, parse_arm(f"gan:{n}"), 0) for n in (3, 7))
    assert set(smaller.synthetic) <= set(larger.synthetic)


def test_share_is_of_the_real_training_rows_of_each_class(development, synthetic):
    fewer = np.flatnonzero((development.labels == 0) | (development.folds < 3))
    columns = ("images", "paths", "labels", "splits", "folds", "groups", "sha256")
    uneven = replace(development, **{column: getattr(development, column)[fewer] for column in columns})
    mixed = training_rows(uneven, synthetic, parse_arm("gan:50%"), 0)
    assert mixed.synthetic_per_class == {"benign": 8, "malignant": 4}


def test_only_gan_arm_holds_no_real_image(development, synthetic):
    mixed = training_rows(development, synthetic, parse_arm("only-gan:5"), 1)
    assert len(mixed.real) == 0
    assert len(mixed.labels) == 10


@pytest.mark.parametrize("arm", ["gan:4", "traditional+gan:50%", "only-gan:3"])
def test_missing_synthetic_set_is_refused(development, arm):
    with pytest.raises(InputError, match=r"needs synthetic images"):
        training_rows(development, None, parse_arm(arm), 0)


def test_too_few_synthetic_images_are_refused(development, synthetic):
    with pytest.raises(InputError, match="11 images of benign wanted, 10 there"):
        training_rows(development, synthetic, parse_arm("gan:11"), 0)


def test_synthetic_set_of_another_size_is_refused(development, colour_set):
    with pytest.raises(InputError, match="at 24 pixels, the development set"):
        training_rows(development, colour_set(20, size=24, split="synthetic"), parse_arm("gan:4"), 0)


def test_class_without_training_images_is_refused(development, synthetic):
    with pytest.raises(InputError, match="'only-gan:1%' has no training images of benign"):
        training_rows(development, synthetic, parse_arm("only-gan:1%"), 0)


def test_a_source_of_several_draws_gives_each_replicate_one_of_them(development, synthetic):
    names = ["gan-0", "gan-1", "gan-0"]
    assert [training_rows(development, synthetic, parse_arm("gan:4"), r).generator for r in range(3)] == names
    assert training_rows(development, None, parse_arm("real"), 0).generator == ""


def test_replicates_take_other_images_of_a_set_that_has_more(development, colour_set):
    diffusion = replace(colour_set(20, split="synthetic"), groups=np.full(40, "diffusion-0"))
    taken = [set(training_rows(development, diffusion, parse_arm("diffusion:5"), r).synthetic) for r in range(4)]
    assert len(set.union(*taken)) > 20
    for replicate, smaller in enumerate(taken):
        larger = training_rows(development, diffusion, parse_arm("diffusion:8"), replicate).synthetic
        assert smaller <= set(larger)
        assert len(set(larger)) == 16
    everything = training_rows(development, diffusion, parse_arm("diffusion:all"), 2)
    assert sorted(everything.synthetic) == list(range(40))


def test_an_arm_whose_source_is_not_there_is_refused(development, synthetic):
    with pytest.raises(InputError, match="'diffusion:4': the synthetic set has no images of diffusion"):
        training_rows(development, synthetic, parse_arm("diffusion:4"), 0)


@pytest.fixture
def rare(development):
    """All 20 benign images, and those malignant ones of fold 1 or 2: 8."""
    return development.subset(np.flatnonzero((development.labels == 0) | np.isin(development.folds, (1, 2))))


def test_balanced_arm_weighs_every_class_alike(rare):
    mixed = training_rows(rare, None, parse_arm("balanced"), 0)
    assert np.bincount(mixed.labels).tolist() == [16, 8]
    of_class = [mixed.weights[mixed.labels == label].sum() for label in (0, 1)]
    assert of_class == pytest.approx([12, 12])
    assert mixed.weights.mean() == pytest.approx(1)
    assert (training_rows(rare, None, parse_arm("real"), 0).weights == 1).all()


def test_oversampled_arm_repeats_rare_images_up_to_the_largest_class(rare):
    mixed = training_rows(rare, None, parse_arm("oversampled"), 0)
    assert np.bincount(mixed.labels).tolist() == [16, 16]
    _, times = np.unique(mixed.real[mixed.labels == 1], return_counts=True)
    assert times.tolist() == [2] * 8


def test_balance_fills_each_class_up_with_synthetic_images(rare, synthetic):
    mixed = training_rows(rare, synthetic, parse_arm("gan:balance"), 0)
    assert mixed.synthetic_per_class == {"benign": 0, "malignant": 8}
    assert np.bincount(mixed.labels).tolist() == [16, 16]


def test_a_share_of_the_real_images_is_whole_groups_and_holds_smaller_shares(development):
    grouped = replace(development, groups=np.array([f"patient-{row // 2}" for row in range(40)]))
    grouped = replace(grouped, folds=np.arange(40) // 2 % 5)
    rows = {text: training_rows(grouped, None, parse_arm(text), 1).real for text in ("real", "real:50%", "real:25%")}
    assert set(rows["real:25%"]) < set(rows["real:50%"]) < set(rows["real"])
    assert np.bincount(grouped.labels[rows["real:50%"]]).tolist() == [8, 8]
    for text in ("real:50%", "real:25%"):
        chosen = set(grouped.groups[rows[text]])
        assert all(row in rows[text] for row in rows["real"] if grouped.groups[row] in chosen)
    assert set(training_rows(grouped, None, parse_arm("real:50%"), 6).real) != set(rows["real:50%"])
