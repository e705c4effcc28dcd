import numpy as np
import pytest
from scipy import stats

from components.compare.statistics.resample import Estimate, draw_images, estimate, resampled_scores, smallest_class
from components.contracts.metrics import METRICS, scores


def draws(labels, groups, count=400, seed=0):
    return draw_images(np.array(labels), np.array(groups), count, seed)


def test_the_first_row_is_the_test_set_itself():
    assert np.array_equal(draws([0, 0, 1, 1, 1], list("abcde"))[0], np.ones(5))


def test_images_of_a_group_are_drawn_together():
    drawn = draws([0, 0, 0, 1, 1, 1], ["a", "b", "a", "c", "d", "d"])
    assert np.array_equal(drawn[:, 0], drawn[:, 2])
    assert np.array_equal(drawn[:, 4], drawn[:, 5])
    assert (drawn[:, 0] != drawn[:, 1]).any()


def test_each_class_keeps_its_number_of_groups():
    drawn = draws([0] * 7 + [1] * 3, range(10))
    assert (drawn[:, :7].sum(axis=1) == 7).all()
    assert (drawn[:, 7:].sum(axis=1) == 3).all()


def test_no_resample_lacks_a_class_even_if_its_images_share_groups_with_others():
    labels = np.array([0, 0, 0, 0, 1, 1])
    drawn = draws(labels, ["a", "b", "c", "d", "d", "a"])
    assert (drawn[:, labels == 1].sum(axis=1) > 0).all()


def test_the_same_seed_draws_the_same_resamples():
    labels = [0] * 20 + [1] * 20
    assert np.array_equal(draws(labels, range(40)), draws(labels, range(40)))
    assert not np.array_equal(draws(labels, range(40)), draws(labels, range(40), seed=1))


def test_resamples_count_each_image_once_on_average():
    drawn = draws([0] * 50 + [1] * 50, range(100), count=4000)
    assert drawn[1:].mean() == 1
    assert drawn[1:].var() == pytest.approx(1 - 1 / 50, rel=0.02)


def test_the_smallest_class_is_counted_in_groups():
    assert smallest_class(np.array([0, 0, 0, 1, 1, 1, 1]), np.array(list("abcddde"))) == 2


def test_resampled_scores_are_those_of_each_replicate_and_resample():
    rng = np.random.default_rng(0)
    p = rng.random((3, 40)).astype(np.float32)
    probabilities = np.stack([1 - p, p], axis=2)
    labels = np.repeat([0, 1], 20)
    images = draws(labels, range(40), count=5)
    found = resampled_scores(probabilities, labels, 1, images, METRICS, [0.5, 0.2, 0.7])
    for r in range(3):
        expected = scores(probabilities[r], labels, 1, images)
        assert all(np.allclose(found[name][:, r], expected[name]) for name in METRICS)
    for r, threshold in enumerate([0.5, 0.2, 0.7]):
        called = p[r] >= threshold
        assert found["operating_sensitivity"][0, r] == pytest.approx(called[20:].mean())
        assert found["operating_specificity"][0, r] == pytest.approx(1 - called[:20].mean())
        weights = images[4]
        assert found["operating_sensitivity"][4, r] == pytest.approx(np.average(called[20:], weights=weights[20:]))


def test_the_variance_of_crossed_factors_is_unbiased():
    images, replicates, count = 60, 4, 300
    sd_image, sd_replicate, sd_both = 1.0, 0.1, 1.5
    drawn = draws([0] * images, range(images), count=200)
    estimates = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        score = rng.normal(0, sd_image, (images, 1)) + rng.normal(0, sd_replicate, replicates)
        score += rng.normal(0, sd_both, (images, replicates))
        weights = drawn / drawn.sum(axis=1, keepdims=True)
        estimates.append(estimate(weights @ score, np.arange(replicates), images))
    truth_both = sd_both**2 / images / replicates
    truth = sd_image**2 / images + sd_replicate**2 / replicates + truth_both
    total = [each.image_variance + each.replicate_variance for each in estimates]
    assert np.var([each.value for each in estimates]) == pytest.approx(truth, rel=0.2)
    assert np.mean(total) == pytest.approx(truth, rel=0.1)
    assert np.mean([each.interaction for each in estimates]) == pytest.approx(truth_both, rel=0.15)


def test_replicates_that_share_a_gan_count_as_one():
    series = np.tile([[0.7, 0.8, 0.7, 0.8]], (50, 1))
    alone = estimate(series, np.arange(4), 100)
    shared = estimate(series, np.array([0, 1, 0, 1]), 100)
    assert alone.units == 4
    assert shared.units == 2
    assert shared.value == alone.value
    assert alone.replicate_variance == pytest.approx(np.var([0.7, 0.8, 0.7, 0.8], ddof=1) / 4)
    assert shared.replicate_variance == pytest.approx(np.var([0.7, 0.8], ddof=1) / 2)


def test_one_replicate_has_the_variance_of_the_images_alone():
    series = np.random.default_rng(0).normal(0.8, 0.02, (500, 1))
    found = estimate(series, np.array([0]), 100)
    assert found.replicate_variance == 0
    assert found.image_variance == pytest.approx(series[1:].var(ddof=1))


def test_the_p_value_is_where_the_interval_ends_at_zero():
    for variances in [(1e-4, 0.0), (1e-4, 2e-4), (0.0, 1e-4)]:
        found = Estimate(0.03, *variances, 0.0, 5, 100)
        low, _ = found.interval(1 - found.p_value())
        assert low == pytest.approx(0, abs=1e-6)
        assert Estimate(-0.03, *variances, 0.0, 5, 100).p_value() == pytest.approx(found.p_value())


def test_known_variances_give_the_textbook_intervals():
    normal = Estimate(0.5, 0.01, 0.0, 0.0, 5, 100).interval(0.95)
    assert normal == pytest.approx((0.5 - 0.1 * stats.norm.ppf(0.975), 0.5 + 0.1 * stats.norm.ppf(0.975)))
    student = Estimate(0.5, 0.0, 0.01, 0.0, 5, 100).interval(0.95)
    assert student == pytest.approx((0.5 - 0.1 * stats.t.ppf(0.975, 4), 0.5 + 0.1 * stats.t.ppf(0.975, 4)))


def test_no_difference_has_p_value_one():
    assert Estimate(0.0, 1e-4, 0.0, 0.0, 5, 100).p_value() == 1
    assert Estimate(0.0, 0.0, 0.0, 0.0, 5, 100).p_value() == 1


def test_a_perfect_score_keeps_the_rule_of_three():
    low, high = Estimate(1.0, 0.0, 0.0, 0.0, 5, 300).interval_within(0.9)
    assert low == pytest.approx(1 - 3 / 300, abs=0.0001)
    assert high == 1


def test_the_interval_of_a_score_stays_within_its_limits():
    low, high = Estimate(0.98, 4e-4, 1e-4, 0.0, 3, 50).interval_within(0.95)
    assert 0 < low < 0.98 < high < 1
    low, high = Estimate(1.2, 0.3, 0.1, 0.0, 3, 50).interval_within(0.95, top=2)
    assert 0 <= low < 1.2 < high <= 2


def test_variance_splits_into_what_more_images_remove_and_what_stays():
    found = Estimate(0.1, 3e-4, 2e-4, 1e-4, 5, 100)
    assert found.lasting_variance == pytest.approx(1.5e-4)
    assert found.shrinking_variance == pytest.approx(3.5e-4)


def test_the_interval_of_a_difference_stays_within_what_is_possible():
    wild = Estimate(-0.2, 0.001, 0.5, 0.0, 2, 30)
    assert wild.interval(0.95) == (-1.0, 1.0)
    assert wild.interval(0.95, top=2.0) == (-2.0, 2.0)
