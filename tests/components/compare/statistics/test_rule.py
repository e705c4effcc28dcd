from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from components.compare.statistics.rule import SENSITIVITY, Rule, judge
from components.compare.statistics.variance import Estimate

RULE = Rule(0.95, 0.02, 0.9, "balanced_accuracy", 0.9, 2000)
MANY = 1e9


def of(value, deviation=0.01, trainings=0.0, replicates=5, generators=0.0):
    units = ((trainings**2 + generators**2, MANY),) if replicates > 1 else ()
    recipe = generators > 0
    return Estimate(value, deviation**2, MANY, units, 0.0, trainings**2, 300, replicates, recipe)


def judged(balanced_accuracy, sensitivity, rule=RULE, images=660):
    difference = {"balanced_accuracy": balanced_accuracy, SENSITIVITY: sensitivity}
    return judge({"gan:120": difference}, rule, images)["gan:120"]


def test_a_gain_without_a_loss_of_sensitivity_helps():
    found = judged(of(0.04), of(0.03))
    assert found.verdict == "helps"
    assert found.endpoint[0] > 0
    assert found.confidence == pytest.approx(0.95)
    assert "rises by 4 percentage points (95% interval +2.0 to +6.0)" in found.reason


def test_a_gain_that_may_cost_more_sensitivity_than_the_margin_is_no_evidence():
    found = judged(of(0.04), of(-0.01))
    assert found.verdict == "no evidence"
    assert "a loss of sensitivity of more than 2 percentage points cannot be excluded" in found.reason
    assert found.test_images_needed > 660


def test_the_margin_is_held_by_the_lower_end_of_the_one_sided_interval():
    reach = stats.norm.isf(0.05) * 0.01
    assert judged(of(0.04), of(-0.02 + reach + 0.0001)).verdict == "helps"
    assert judged(of(0.04), of(-0.02 + reach - 0.0001)).verdict == "no evidence"


def test_a_loss_of_balanced_accuracy_hurts():
    assert judged(of(-0.04), of(0.0)).verdict == "hurts"


def test_a_loss_of_sensitivity_beyond_the_margin_hurts_whatever_the_balanced_accuracy():
    found = judged(of(0.04), of(-0.06))
    assert found.verdict == "hurts"
    assert found.reason.startswith("Sensitivity at equal false alarms falls by 6 percentage points")


def test_a_loss_of_sensitivity_within_the_margin_does_not_hurt():
    assert judged(of(0.0), of(-0.03)).verdict == "no evidence"


def test_no_evidence_says_how_many_test_images_would_show_the_difference():
    found = judged(of(0.01), of(0.0), images=660)
    assert found.verdict == "no evidence"
    wanted = 0.01 / (stats.norm.isf(0.025) + stats.norm.isf(0.2))
    assert found.test_images_needed == pytest.approx(660 * 0.01**2 / wanted**2, abs=1)
    assert "about 5,200 test images" in found.reason


def test_that_many_test_images_do_show_the_difference_in_four_of_five_cases():
    needed = judged(of(0.01), of(0.0), images=660).test_images_needed
    deviation = 0.01 * np.sqrt(660 / needed)
    drawn = np.random.default_rng(0).normal(0.01, deviation, 4000)
    seen = [of(value, deviation).interval(0.95)[0] > 0 for value in drawn]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.02)


def test_replicates_that_vary_too_much_ask_for_more_replicates():
    found = judged(of(0.01, trainings=0.01), of(0.0))
    assert found.test_images_needed is None
    assert "more replicates are needed first" in found.reason


def test_generators_that_vary_too_much_ask_for_more_generators():
    assert "more generators are needed first" in judged(of(0.01, generators=0.01), of(0.0)).reason


@pytest.mark.parametrize("replicates", [1, 2])
def test_fewer_than_three_replicates_give_no_verdict(replicates):
    found = judged(of(0.2, replicates=replicates), of(0.2, replicates=replicates))
    assert (found.verdict, found.p_value, found.test_images_needed) == ("no verdict", 1, None)
    assert "At least 3 replicates are needed" in found.reason
    assert found.ruled_out == "Nothing is ruled out."


def test_what_is_ruled_out_is_said_in_points():
    assert judged(of(0.01, 0.005), of(0.0)).ruled_out == (
        "Any gain above 2 percentage points and any loss are excluded."
    )
    assert judged(of(-0.001, 0.005), of(0.0)).ruled_out == (
        "Any gain above 0.9 percentage points and any loss beyond 1.1 percentage points are excluded."
    )


def test_each_endpoint_has_its_name_in_the_rule():
    assert "sensitivity at 90% specificity" in replace(RULE, endpoint="sensitivity_at_specificity").text
    assert "AUC" in replace(RULE, endpoint="auc").text


def test_adjusted_intervals_agree_with_holms_p_values():
    rng = np.random.default_rng(0)
    for _ in range(12):
        differences = {
            f"gan:{n}": {"balanced_accuracy": of(rng.normal(0, 0.025)), SENSITIVITY: of(0.0)} for n in range(1, 6)
        }
        for found in judge(differences, RULE, 660).values():
            low, high = found.endpoint
            assert (low > 0 or high < 0) == (found.p_holm < 0.05)


def test_the_smallest_p_value_of_three_has_the_widest_interval():
    values = {"gan:1": 0.05, "gan:2": 0.03, "gan:3": 0.001}
    differences = {arm: {"balanced_accuracy": of(v), SENSITIVITY: of(0.0)} for arm, v in values.items()}
    found = judge(differences, RULE, 660)
    assert [found[arm].confidence for arm in values] == pytest.approx([1 - 0.05 / 3, 1 - 0.05 / 2, 0.95])


def test_arms_after_the_first_that_is_not_significant_keep_its_level():
    values = {"gan:1": 0.05, "gan:2": 0.001, "gan:3": 0.0005}
    differences = {arm: {"balanced_accuracy": of(v), SENSITIVITY: of(0.0)} for arm, v in values.items()}
    found = judge(differences, RULE, 660)
    assert [found[arm].confidence for arm in values] == pytest.approx([1 - 0.05 / 3, 0.975, 0.975])


def test_without_other_arms_nothing_is_judged():
    assert judge({}, RULE, 660) == {}


def test_the_rule_in_words_names_its_parameters():
    for part in ("2 percentage points", "95%", "balanced accuracy", "Holm"):
        assert part in RULE.text
