from components.compare.conclusion import answer, recommend
from components.compare.statistics.rule import SENSITIVITY, Rule

RULE = Rule(0.95, 0.02, 0.9, "balanced_accuracy", 0.9, 2000)


def arm(name, verdict=None, gain=0.03, sure=0.01, sensitivity=0.8, synthetic=0, scope="recipe"):
    compared = {
        "verdict": verdict,
        "differences": {
            "balanced_accuracy": {"estimate": gain, "interval": [gain - 0.02, gain + 0.02]},
            SENSITIVITY: {"estimate": sensitivity - 0.8, "interval": [sensitivity - 0.83, sensitivity - 0.77]},
        },
        "scope": scope,
        "reason": "At least 3 replicates are needed.",
        "ruled_out": "Any gain above 3 points is excluded.",
        "adjusted": {"endpoint": [sure, 2 * gain - sure], "sensitivity": [0, 0], "confidence": 0.975},
    }
    return {
        "arm": name,
        "synthetic_per_class": {"benign": synthetic, "malignant": synthetic},
        "mean": {"balanced_accuracy": 0.8 + (gain if verdict else 0), SENSITIVITY: sensitivity},
        "intervals": {"balanced_accuracy": [0.77, 0.83]},
        "missed_per_1000": 1000 * (1 - sensitivity),
        "against_real": compared if verdict else None,
    }


REAL = arm("real")


def test_the_surest_gain_is_recommended_not_the_largest():
    arms = [REAL, arm("gan:120", "helps", 0.05, 0.004), arm("gan:480", "helps", 0.03, 0.012)]
    assert recommend(arms, RULE)["arm"] == "gan:480"
    assert recommend(arms[::-1], RULE)["arm"] == "gan:480"


def test_of_equal_gains_fewer_synthetic_images_are_recommended():
    arms = [REAL, arm("gan:480", "helps", synthetic=480), arm("gan:120", "helps", synthetic=120)]
    assert recommend(arms, RULE)["arm"] == "gan:120"


def test_an_arm_without_evidence_is_never_recommended():
    arms = [REAL, arm("gan:120", "no evidence", 0.09, -0.001), arm("gan:480", "hurts", -0.05, -0.09)]
    assert recommend(arms, RULE)["arm"] == "real"


def test_help_is_told_with_what_was_compared_how_sure_it_is_and_what_it_costs():
    arms = [REAL, arm("gan:120", "helps", 0.04, 0.012, sensitivity=0.79, synthetic=120)]
    assert answer(arms, "gan:120", "malignant", 660, RULE, []) == (
        "Yes, gan:120 helps: 120 synthetic images a class beside the real ones lift balanced accuracy on 660 test "
        "images from 80.0% with the real images alone (real) to 84.0%, by +4.0 percentage points (97.5% interval +1.2 "
        "to +6.8). At equal false alarms it misses 210 of 1,000 malignant images and real 200: 10 more (95% interval "
        "20 fewer to 40 more)."
    )


def test_without_evidence_the_best_arm_is_told_with_what_is_ruled_out():
    arms = [REAL, arm("gan:120", "no evidence", 0.01, -0.01, synthetic=120)]
    assert answer(arms, "real", "malignant", 660, RULE, []) == (
        "The one arm beside the real images alone (real) was not shown to help on 660 test images. That arm, gan:120 "
        "(120 synthetic images a class beside the real ones), changes balanced accuracy from 80.0% to 81.0%, by +1.0 "
        "percentage points (97.5% interval -1.0 to +3.0). Any gain above 3 points is excluded. At equal false alarms "
        "it misses 200 of 1,000 malignant images and real 200: as many (95% interval 30 fewer to 30 more)."
    )


def test_harm_is_named_in_a_sentence_of_its_own():
    arms = [REAL, arm("gan:120", "no evidence", 0.01, -0.01), arm("gan:480", "hurts", -0.05, -0.09)]
    text = answer(arms, "real", "malignant", 660, RULE, [])
    assert text.startswith(
        "None of 2 arms, other ways to train than on the real images alone (real), was shown to help on 660 test "
        "images. The best one, gan:120"
    )
    assert " is excluded. At equal" in text
    assert text.endswith("30 more). gan:480 hurts.")
    both = answer([REAL, arm("gan:480", "hurts", -0.05, -0.09)], "real", "malignant", 660, RULE, [])
    assert "excluded" not in both
    assert both.endswith(" gan:480 hurts.")


def test_others_that_help_or_hurt_are_named():
    arms = [arm(f"gan:{n}", "helps", 0.04, 0.04 - n / 1e5, synthetic=n) for n in (10, 20, 30, 40)]
    text = answer([REAL, *arms, arm("only-gan:9", "hurts")], "gan:10", "malignant", 660, RULE, [])
    assert text.endswith("gan:20, gan:30 and gan:40 help too. only-gan:9 hurts.")


def test_an_interval_on_one_side_says_fewer_once():
    helping = arm("gan:10", "helps", sensitivity=0.9, synthetic=10)
    text = answer([REAL, helping], "gan:10", "malignant", 660, RULE, [])
    assert "real 200: 100 fewer (95% interval 70 to 130 fewer)." in text


def test_few_generators_make_it_an_answer_about_these_pictures():
    arms = [REAL, arm("gan:120", "helps", synthetic=120, scope="pictures")]
    text = answer(arms, "gan:120", "malignant", 660, RULE, [])
    assert text.startswith(
        "Yes, these pictures help: 120 synthetic images a class beside the real ones (gan:120) lift balanced accuracy"
    )
    assert text.endswith("drew the synthetic images, this holds for these, not for others drawn in the same way.")


def test_without_a_verdict_the_reason_comes_first():
    text = answer([REAL, arm("gan:120", "no verdict")], "real", "malignant", 660, RULE, [])
    assert text.startswith("No verdict: at least 3 replicates are needed. That arm, gan:120")


def test_every_kind_of_recipe_is_put_into_words():
    words = {
        "traditional": "flips, rotations, colour and scale jitter lift",
        "traditional+gan:20": "beside the real ones, all with flips, rotations, colour and scale jitter lift",
        "only-gan:20": "20 synthetic images a class in place of the real ones lift",
    }
    for name, text in words.items():
        helping = arm(name, "helps", synthetic=20 if "gan" in name else 0)
        assert text in answer([REAL, helping], name, "malignant", 660, RULE, [])
    uneven = arm("gan:50%", "helps") | {"synthetic_per_class": {"benign": 150, "malignant": 1200}}
    assert "150 to 1,200 synthetic images a class beside" in answer(
        [REAL, uneven], "gan:50%", "malignant", 660, RULE, []
    )
