import json

import jsonschema
import numpy as np
import pytest
import verdict_inputs as inputs

from components.compare.verdict_file import build_verdict, read_schema
from components.contracts.metrics import METRICS

TWO = ("benign", "malignant")
FOUR = ("benign", "keratosis", "malignant", "vascular")
ARMS = {"real": (0, 1.3), "gan:20": (20, 1.35), "gan:30": (30, 2.0), "gan:50": (50, 0.9), "traditional": (0, 1.4)}


def verdict(classes=TWO, arms=ARMS, replicates=3, gans=1, kept=0, **changed):
    labels = np.repeat(range(len(classes)), 80)
    test = inputs.image_set(labels, classes)
    positive = classes.index("malignant")
    evaluations = [
        inputs.evaluation(
            arm,
            inputs.probabilities(labels, classes, skill, replicates, seed),
            labels,
            classes,
            positive,
            synthetic,
            gans,
        )
        for seed, (arm, (synthetic, skill)) in enumerate(arms.items())
    ]
    return build_verdict(
        inputs.plan(arms, replicates=replicates, **changed),
        evaluations,
        test,
        test.subset(slice(0)),
        inputs.data_report(test),
        inputs.audit(classes),
        inputs.copies(classes, found=kept, kept=kept),
        inputs.gans(classes),
        inputs.fidelity(classes),
    )


@pytest.fixture(scope="module")
def binary():
    return verdict()


@pytest.fixture(scope="module")
def multiclass():
    return verdict(FOUR)


def check(found):
    jsonschema.Draft202012Validator(read_schema()).validate(json.loads(json.dumps(found, allow_nan=False)))


def test_the_schema_is_sound_and_describes_every_key():
    schema = read_schema()
    jsonschema.Draft202012Validator.check_schema(schema)

    def undescribed(part, path):
        for name, value in part.get("properties", {}).items():
            if "description" not in value and "$ref" not in value:
                yield f"{path}.{name}"
            yield from undescribed(value, f"{path}.{name}")
        for key in ("items", "additionalProperties"):
            if isinstance(part.get(key), dict):
                yield from undescribed(part[key], f"{path}[]")
        for choice in part.get("oneOf", []):
            yield from undescribed(choice, path)

    missing = [*undescribed(schema, "$")]
    for name, part in schema["$defs"].items():
        missing += undescribed(part, name)
    assert missing == []


@pytest.mark.parametrize("which", ["binary", "multiclass"])
def test_a_verdict_follows_the_schema(which, request):
    check(request.getfixturevalue(which))


def test_the_schema_refuses_an_unknown_key_and_a_missing_one(binary):
    with pytest.raises(jsonschema.ValidationError):
        check(binary | {"extra": 1})
    with pytest.raises(jsonschema.ValidationError):
        check({key: value for key, value in binary.items() if key != "answer"})


def test_the_same_inputs_give_the_same_verdict(binary):
    assert json.dumps(binary) == json.dumps(verdict())


def test_means_lie_within_their_intervals_and_are_those_of_the_replicates(binary):
    for arm in binary["arms"]:
        for name in METRICS:
            low, high = arm["intervals"][name]
            assert low < arm["mean"][name] < high
            assert arm["mean"][name] == pytest.approx(np.mean([each[name] for each in arm["replicates"]]))
        assert np.sum(arm["mean"]["confusion_matrix"]) == pytest.approx(160)
        assert arm["missed"] == pytest.approx(arm["mean"]["confusion_matrix"][1][0])
        assert arm["missed_per_1000"] == pytest.approx(1000 * (1 - arm["mean"]["sensitivity"]))


def test_differences_are_arm_minus_real(binary):
    real, *others = binary["arms"]
    assert real["against_real"] is None
    for arm in others:
        for name, difference in arm["against_real"]["differences"].items():
            assert difference["estimate"] == pytest.approx(arm["mean"][name] - real["mean"][name])
            assert difference["interval"][0] <= difference["estimate"] <= difference["interval"][1]


def test_a_difference_is_surer_than_the_means_it_is_made_of(binary):
    real, *others = binary["arms"]
    for arm in others:
        low, high = arm["against_real"]["differences"]["auc"]["interval"]
        parts = [each["intervals"]["auc"] for each in (real, arm)]
        assert high - low < sum(end - start for start, end in parts)


def test_good_and_bad_arms_are_told_from_real(binary):
    verdicts = {arm["arm"]: arm["against_real"]["verdict"] for arm in binary["arms"][1:]}
    assert verdicts["gan:30"] == "helps"
    assert verdicts["gan:50"] == "hurts"
    assert binary["recommendation"]["arm"] == "gan:30"
    assert binary["answer"].startswith(
        "Yes, these pictures help: 30 synthetic images a class beside the real ones (gan:30) lift balanced accuracy"
    )
    assert "gan:50 hurts" in binary["answer"]
    assert "At equal false alarms it misses" in binary["answer"]


def test_dose_response_runs_over_the_gan_arms_from_real_on(binary):
    assert [dose["arm"] for dose in binary["dose_response"]] == ["real", "gan:20", "gan:30", "gan:50"]
    assert [dose["synthetic_images"] for dose in binary["dose_response"]] == [0, 20, 30, 50]


def test_two_gan_arms_give_no_dose_response():
    arms = {arm: ARMS[arm] for arm in ("real", "gan:20", "gan:30", "traditional")}
    assert verdict(arms=arms)["dose_response"] is None


def test_without_a_helping_arm_real_is_recommended():
    arms = {"real": (0, 1.3), "gan:20": (20, 1.3)}
    found = verdict(arms=arms)
    assert found["recommendation"]["arm"] == "real"
    assert found["answer"].startswith("The one arm beside the real images alone (real) was not shown to help on 160")
    assert found["arms"][1]["against_real"]["verdict"] == "no evidence"


def test_real_alone_is_described_without_a_comparison():
    found = verdict(arms={"real": (0, 1.3)})
    check(found)
    assert found["answer"].startswith("Only real was trained")
    assert found["recommendation"]["arm"] == "real"


def test_a_single_replicate_is_said_to_be_one():
    found = verdict(arms={"real": (0, 1.3), "gan:20": (20, 1.7)}, replicates=1)
    check(found)
    assert found["answer"].startswith("No verdict: at least 3 replicates are needed")
    assert found["arms"][1]["against_real"]["verdict"] == "no verdict"


def test_beyond_two_classes_the_macro_area_is_there_too(multiclass, binary):
    assert "macro_auc" in multiclass["arms"][0]["mean"]
    assert "macro_auc" not in binary["arms"][0]["mean"]
    assert set(multiclass["arms"][0]["mean"]["per_class"]) == set(FOUR)


def test_pictures_and_refused_files_stay_in_their_reports(binary):
    assert '"picture"' not in json.dumps(binary)
    assert binary["data_set"]["refused"] == 1


def test_answers_are_a_few_sentences(binary, multiclass):
    for found in (binary, multiclass):
        assert found["answer"].endswith(".")
        assert found["answer"].count(". ") <= 4


def test_three_generators_make_it_a_verdict_about_the_recipe():
    arms = {"real": (0, 1.3), "gan:20": (20, 1.5)}
    one, three = (verdict(arms=arms, replicates=6, gans=gans)["arms"][1]["against_real"] for gans in (1, 3))
    assert (one["scope"], three["scope"]) == ("pictures", "recipe")
    estimates = [each["differences"]["auc"]["estimate"] for each in (one, three)]
    assert estimates[0] == estimates[1]
    assert one["spread"]["generators"] == 0
    widths = [np.ptp(each["differences"]["auc"]["interval"]) for each in (one, three)]
    assert widths[0] != widths[1]


def test_four_amounts_give_a_best_one_with_its_interval(binary):
    assert binary["best_amounts"] == []
    found = verdict(arms={"real": (0, 1.3)} | {f"gan:{n}": (n, 0.6 + n / 40) for n in (10, 20, 40, 80)}, replicates=6)
    check(found)
    [best] = found["best_amounts"]
    assert (best["kind"], best["told"]) == ("gan", True)
    assert best["interval"][0] > 10


def test_sources_of_equal_amounts_are_compared_with_each_other(binary):
    assert binary["source_pairs"] == []
    arms = {"real": (0, 1.3), "gan:20": (20, 1.2), "diffusion:20": (20, 2.2), "diffusion:40": (40, 1.3)}
    found = verdict(arms=arms, replicates=6)
    check(found)
    [pair] = found["source_pairs"]
    assert (pair["arm"], pair["other"], pair["scope"]) == ("gan:20", "diffusion:20", "pictures")
    means = {arm["arm"]: arm["mean"]["balanced_accuracy"] for arm in found["arms"]}
    assert pair["difference"] == pytest.approx(means["gan:20"] - means["diffusion:20"])
    assert pair["adjusted"][1] < 0
    assert pair["p_holm"] < 0.05


def test_a_source_that_keeps_copies_of_test_images_gets_no_verdict_and_the_answer_says_so_first():
    arms = {"real": (0, 1.3), "gan:20": (20, 3.0), "gan:30": (30, 3.1), "traditional": (0, 1.3)}
    honest, leaky = (verdict(arms=arms, replicates=6, kept=kept) for kept in (0, 9))
    check(leaky)
    verdicts = [{arm["arm"]: arm["against_real"]["verdict"] for arm in found["arms"][1:]} for found in (honest, leaky)]
    assert verdicts[0] | {"traditional": ""} == {"gan:20": "helps", "gan:30": "helps", "traditional": ""}
    assert verdicts[1] == {"gan:20": "no verdict", "gan:30": "no verdict", "traditional": "no evidence"}
    assert leaky["answer"].startswith("gan holds near-copies of test images: 18 of its 100 pictures (benign 9, malig")
    assert "on_leak=drop" in leaky["answer"]
    assert "The one arm left beside the real images alone (real) was not shown" in leaky["answer"]
    assert leaky["recommendation"]["arm"] == "real"
    [source] = leaky["sources"]
    assert not source["judged"]
    assert source["classes"][0]["copies_of_test"] == {"found": 9, "dropped": 0, "kept": 9}


def test_arms_that_cannot_be_judged_are_not_compared_with_other_sources_either():
    arms = {"real": (0, 1.3), "gan:20": (20, 1.2), "diffusion:20": (20, 2.2)}
    assert len(verdict(arms=arms, replicates=6)["source_pairs"]) == 1
    leaky = verdict(arms=arms, replicates=6, kept=1)
    assert leaky["source_pairs"] == []
    assert leaky["arms"][1]["against_real"]["verdict"] == "no verdict"
