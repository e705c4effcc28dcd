import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import auc, roc_auc_score

from components.compare.statistics.single_model import calibration, exact_mcnemar, proportions, roc, wilson

LABELS = np.repeat([0, 1], [60, 40])


def predicted(seed=0, images=100, labels=LABELS):
    p = np.clip(np.random.default_rng(seed).normal(0.3 + 0.4 * labels, 0.2, images), 0, 1)
    return np.stack([1 - p, p], axis=1)


def certain(positive):
    return np.stack([1 - positive, positive], axis=1).astype(float)


def test_wilson_gives_the_published_interval():
    # Newcombe 1998, Statistics in Medicine 17(8), table I: 81 of 263.
    assert wilson(81, 263, 0.95) == pytest.approx([0.2553, 0.3662], abs=5e-5)


def test_proportions_are_counted_on_the_right_images():
    positive = np.zeros(100)
    positive[55:90] = 1  # 5 false alarms, 30 of 40 found
    found = proportions(certain(positive), LABELS, 1, 0.95)
    assert {name: entry["value"] for name, entry in found.items()} == pytest.approx(
        {"accuracy": 0.85, "sensitivity": 0.75, "specificity": 55 / 60}
    )
    assert found["sensitivity"]["interval"] == wilson(30, 40, 0.95)


def test_mcnemar_is_the_binomial_test_of_the_discordant_images():
    real, arm = LABELS.copy(), LABELS.copy()
    real[:9] = 1 - real[:9]  # only the arm is right on 9
    arm[50:52] = 1 - arm[50:52]  # only real is right on 2
    found = exact_mcnemar(certain(real), certain(arm), LABELS, 1)
    assert (found["only_real_right"], found["only_arm_right"]) == (2, 9)
    assert found["p_value"] == pytest.approx(stats.binomtest(2, 11).pvalue)


def test_mcnemar_of_equal_decisions_is_one():
    assert exact_mcnemar(predicted(), predicted(), LABELS, 1)["p_value"] == 1


def test_calibration_bins_hold_every_image_once():
    bins = calibration(predicted(), LABELS, 1, 0.95)
    assert sum(each["count"] for each in bins) == 100
    assert sum(each["count"] * each["observed"] for each in bins) == pytest.approx(40)
    assert all(each["interval"][0] - 1e-9 <= each["observed"] <= each["interval"][1] + 1e-9 for each in bins)
    assert calibration(certain(LABELS), LABELS, 1, 0.95)[-1]["predicted"] == 1


def test_the_roc_curve_is_short_and_keeps_its_area():
    labels = np.repeat([0, 1], 4000)
    prediction = predicted(images=8000, labels=labels)
    curve = roc(prediction, labels, 1)
    x, y = curve["false_positive_rate"], curve["true_positive_rate"]
    assert 50 < len(x) <= 100
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert auc(x, y) == pytest.approx(roc_auc_score(labels, prediction[:, 1]), abs=0.002)
