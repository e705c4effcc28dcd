import numpy as np
import pytest
from scipy import stats

from components.compare.statistics.draws import Draws
from components.compare.statistics.variance import Clusters, Estimate, Sample, estimate, measure, pooled
from components.contracts.metrics import METRICS, scores


def known(value, images=0.0, units=0.0, freedom=4, effective=1e9, groups=100):
    return Estimate(value, images, effective, ((units, freedom),), 0.0, units, groups, 5, True)


def sample(values, generators=None, parts=None):
    values = np.asarray(values, dtype=float)
    parts = np.zeros((len(values), 1)) if parts is None else parts
    return Sample(values, parts, Draws.of([""] * len(values) if generators is None else generators))


def test_groups_vary_about_the_mean_of_their_kind():
    clusters = Clusters.of(np.array([0, 0, 0, 1, 1, 1]), np.array(list("abacdd")))
    found = clusters.parts(np.array([[1.0, 5, 1, 2, 3, 4]]))
    assert found[0] == pytest.approx(np.sqrt(2) * np.array([-1.5, 1.5, -2.5, 2.5]))
    assert clusters.fewest == 2


def test_the_squared_parts_of_a_mean_are_its_textbook_variance():
    score = np.random.default_rng(0).normal(size=50)
    clusters = Clusters.of(np.zeros(50, dtype=int), np.arange(50))
    found = clusters.parts((score - score.mean())[None] / 50)
    assert np.sum(found**2) == pytest.approx(score.var(ddof=1) / 50)


def test_groups_of_the_only_one_of_their_kind_still_count():
    clusters = Clusters.of(np.array([0, 0, 1, 1, 1]), np.array(list("abbcc")))
    assert np.sum(clusters.parts(np.array([[1.0, -1, 1, 0, 2]])) ** 2) > 0


def test_measured_scores_are_those_of_each_replicate():
    rng = np.random.default_rng(0)
    p = rng.random((3, 40)).astype(np.float32)
    probabilities, labels = np.stack([1 - p, p], axis=2), np.repeat([0, 1], 20)
    clusters, thresholds = Clusters.of(labels, np.arange(40)), [0.5, 0.2, 0.7]
    wanted = (*METRICS, "operating_sensitivity", "operating_specificity")
    found = measure(probabilities, labels, 1, clusters, Draws.of([""] * 3), wanted, thresholds)
    for r, threshold in enumerate(thresholds):
        expected = scores(probabilities[r], labels, 1)
        assert all(found[name].values[r] == expected[name][0] for name in METRICS)
        assert found["operating_sensitivity"].values[r] == pytest.approx((p[r] >= threshold)[20:].mean())
        assert found["operating_specificity"].values[r] == pytest.approx((p[r] < threshold)[:20].mean())


def test_one_or_two_generators_are_taken_as_they_are():
    values = [0.70, 0.72, 0.80, 0.82]
    found = estimate(sample(values, ["gan-0", "gan-0", "gan-1", "gan-1"]), 100)
    assert not found.recipe
    assert found.units == ((pytest.approx(0.0002 / 4), 2.0),)
    assert not estimate(sample(values, ["gan-0"] * 4), 100).recipe
    assert estimate(sample(values), 100).recipe


def test_three_generators_are_a_sample_of_generators():
    values = [0.70, 0.72, 0.80, 0.82, 0.90, 0.92]
    found = estimate(sample(values, ["a", "a", "b", "b", "c", "c"]), 100)
    assert found.recipe
    assert found.units == ((pytest.approx(0.01 / 3), 2.0),)
    assert found.training_variance == pytest.approx(0.0002 / 6)
    assert found.generator_variance == pytest.approx(0.01 / 3 - 0.0002 / 6)


def test_trainings_of_arm_and_real_add_up_with_welchs_degrees_of_freedom():
    arm, real = [0.7, 0.8, 0.9], [0.6, 0.61, 0.62]
    found = estimate(sample(arm), 100, sample(real))
    welch = stats.ttest_ind(arm, real, equal_var=False)
    assert found.p_value() == pytest.approx(welch.pvalue)


def test_one_replicate_knows_only_its_images():
    found = estimate(sample([0.8], parts=np.array([[0.03, -0.04]])), 100)
    assert found.units == ()
    assert found.image_variance == pytest.approx(0.0025)


def test_the_variance_of_images_generators_and_trainings_is_unbiased():
    images, generators, each = 60, 4, 2
    estimates = []
    clusters = Clusters.of(np.zeros(images, dtype=int), np.arange(images))
    draws = Draws.of(np.repeat(np.arange(generators), each).astype(str).tolist())
    for seed in range(400):
        rng = np.random.default_rng(seed)
        unit = rng.normal(0, 0.2, generators).repeat(each) + rng.normal(0, 0.1, generators * each)
        score = rng.normal(0, 1.0, images) + unit[:, None] + rng.normal(0, 1.5, (generators * each, images))
        parts = clusters.parts((score - score.mean(axis=1, keepdims=True)) / images)
        estimates.append(estimate(Sample(score.mean(axis=1), parts, draws), images))
    both = 1.5**2 / images / (generators * each)
    truth = 1 / images + 0.2**2 / generators + 0.1**2 / (generators * each) + both
    assert np.var([found.value for found in estimates]) == pytest.approx(truth, rel=0.2)
    assert np.mean([found.variance for found in estimates]) == pytest.approx(truth, rel=0.1)
    assert np.mean([found.interaction for found in estimates]) == pytest.approx(both, rel=0.1)


def test_few_discordant_images_have_few_degrees_of_freedom():
    parts = np.zeros((5, 500))
    parts[:, :4] = 1 / 500  # four images, all one way: by an exact test p is 1 / 8
    found = estimate(sample([4 / 500] * 5, parts=parts), 100)
    assert found.effective_images == pytest.approx(4)
    assert found.p_value() > 0.1


def test_the_p_value_is_where_the_interval_ends_at_zero():
    for variances in [(1e-4, 0.0), (1e-4, 2e-4), (0.0, 1e-4)]:
        found = known(0.03, *variances)
        low, _ = found.interval(1 - found.p_value())
        assert low == pytest.approx(0, abs=1e-6)
        assert known(-0.03, *variances).p_value() == pytest.approx(found.p_value())


def test_known_variances_give_the_textbook_intervals():
    assert known(0.5, 0.01).interval(0.95)[0] == pytest.approx(0.5 - 0.1 * stats.norm.ppf(0.975))
    assert known(0.5, 0.0, 0.01).interval(0.95)[1] == pytest.approx(0.5 + 0.1 * stats.t.ppf(0.975, 4))


def test_no_difference_has_p_value_one():
    assert known(0.0, 1e-4).p_value() == 1
    assert known(0.0).p_value() == 1


def test_a_perfect_score_keeps_the_rule_of_three():
    low, high = known(1.0, groups=300).interval_within(0.9)
    assert low == pytest.approx(1 - 3 / 300, abs=0.0001)
    assert high == 1


def test_intervals_stay_within_what_is_possible():
    low, high = known(0.98, 4e-4, 1e-4).interval_within(0.95)
    assert 0 < low < 0.98 < high < 1
    low, high = known(1.2, 0.3, 0.1).interval_within(0.95, top=2)
    assert 0 <= low < 1.2 < high <= 2
    assert known(-0.2, 0.001, 0.5, freedom=1).interval(0.95) == (-1.0, 1.0)


def test_variance_splits_into_what_more_images_remove_and_what_stays():
    found = Estimate(0.1, 3e-4, 1e9, ((2e-4, 4.0),), 0.5e-4, 2e-4, 100, 5, True)
    assert found.lasting_variance == pytest.approx(1.5e-4)
    assert found.shrinking_variance == pytest.approx(3.5e-4)


def test_folds_are_pooled_by_the_variance_within_them():
    folds = [0, 0, 0, 1, 1, 1]
    arm = Sample(np.array([0.7, 0.8, 0.9, 0.5, 0.52, 0.54]), np.zeros((6, 1)), Draws.of([""] * 6, folds))
    found = estimate(arm, 100)
    assert found.value == pytest.approx(0.66)
    assert found.units == ((pytest.approx((0.01 / 3 + 0.0004 / 3) / 4), 4.0),)  # of a mean of two independent means


def test_two_generators_a_fold_are_a_sample_of_generators_and_one_a_fold_is_none():
    values = np.array([0.7, 0.8, 0.5, 0.58])
    two = estimate(Sample(values, np.zeros((4, 1)), Draws.of(["a", "b", "a", "b"], [0, 0, 1, 1])), 100)
    assert two.recipe
    assert two.units == ((pytest.approx((0.005 / 2 + 0.0032 / 2) / 4), 2.0),)
    one = estimate(Sample(values, np.zeros((4, 1)), Draws.of(["a", "a", "a", "a"], [0, 0, 1, 1])), 100)
    assert not one.recipe
    assert one.units == two.units


def test_the_images_of_a_fold_count_for_its_own_replicates_alone():
    draws = Draws.of([""] * 4, [0, 0, 1, 1])
    first = Sample(np.array([0.7, 0.8]), np.array([[0.1, -0.1], [0.1, -0.1]]), draws)
    second = Sample(np.array([0.5, 0.6]), np.array([[0.3, -0.2, 0.0], [0.1, 0.0, 0.2]]), draws)
    found = estimate(pooled([first, second], draws), 100)
    alone = [np.sum(fold.parts.mean(axis=0) ** 2) for fold in (first, second)]
    assert found.image_variance + found.interaction == pytest.approx(sum(alone) / 4)
    each = [np.sum(fold.parts.var(axis=0, ddof=1)) / 2 for fold in (first, second)]
    assert found.interaction == pytest.approx(sum(each) / 4)
