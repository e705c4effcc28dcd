"""What is said of the arms on test sets from elsewhere."""

from dataclasses import replace

import numpy as np
import pytest
import verdict_inputs as inputs

from components.compare.external import on_external_sets
from components.compare.statistics.rule import Rule
from components.compare.verdict_file import build_verdict

RULE = Rule(0.95, 0.02, 0.9, "auc", 0.9, 2000)
TWO = ("benign", "malignant")
FOUND: dict[str, int] = {}
THREE = ("benign", "keratosis", "malignant")


def world(classes, own, elsewhere, per_class=(150, 150), replicates=4):
    """Return evaluations of arms with a skill on the own test set and one on each external set, and these sets."""
    labels = np.repeat(range(len(classes)), per_class[0])
    positive = classes.index("malignant")
    parts, columns = [], {}
    for name, (held, skills) in elsewhere.items():
        there = np.repeat([classes.index(label) for label in held], per_class[1])
        parts.append(inputs.image_set(there, classes, name))
        columns[name] = [
            inputs.probabilities(there, classes, skill, replicates, 7 + i) for i, skill in enumerate(skills)
        ]
    evaluations = []
    for number, (arm, skill) in enumerate(own.items()):
        found = inputs.evaluation(
            arm, inputs.probabilities(labels, classes, skill, replicates, number), labels, classes, positive
        )
        evaluations.append(replace(found, elsewhere=np.concatenate([of[number] for of in columns.values()], axis=1)))
    names = ("images", "paths", "labels", "splits", "folds", "groups", "sha256")
    external = replace(parts[0], **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
    return inputs.image_set(labels, classes), external, evaluations


def reports(external):
    shared = {"images": 0, "like_development": 0, "like_test": 0, "dropped": 0, "policy": "drop", "pairs": []}
    return [
        {"name": name, "data_set": name, "notice": "", "digest": "e", "counts": images.counts(), "groups": len(images)}
        | {"lacking": [label for label, count in images.counts().items() if not count], "refused": [], "shared": shared}
        for name, images in external.by_split().items()
    ]


def verdict(classes, own, elsewhere, found=FOUND, **more):
    test, external, evaluations = world(classes, own, elsewhere, **more)
    report = inputs.data_report(test) | {"external_test_sets": reports(external)}
    plan = inputs.plan(own, endpoint="auc", replicates=len(evaluations[0].replicates))
    copies = inputs.copies(classes) | {"external": {name: inputs.copies(classes, **found) for name in elsewhere}}
    rest = (inputs.audit(classes), copies, inputs.gans(classes), inputs.fidelity(classes))
    return build_verdict(plan, evaluations, test, external, report, *rest)


@pytest.fixture(scope="module")
def found():
    """Arms that help at home alone, everywhere, elsewhere alone, and at home while they hurt elsewhere."""
    own = {"real": 0.8, "traditional": 1.5, "balanced": 1.5, "oversampled": 0.8, "real:50%": 1.5}
    return verdict(TWO, own, {"hospital_b": (TWO, (0.8, 0.8, 1.5, 1.5, 0.2)), "archive": (TWO, (0.8,) * 5)})


def test_gains_that_hold_are_lost_or_show_elsewhere_alone_are_told_apart(found):
    findings = {one["arm"]: one for one in found["external_test_sets"][0]["findings"]}
    assert {arm: one["kind"] for arm, one in findings.items()} == {
        "traditional": "lost",
        "balanced": "holds",
        "oversampled": "only there",
        "real:50%": "reversed",
    }
    answer = found["external_test_sets"][0]["answer"]
    assert answer.startswith("On hospital_b (300 images) the gain of traditional is lost (AUC ")
    assert "the gain of balanced holds (AUC +" in answer
    assert "oversampled helps (AUC +" in answer
    assert "the gain of real:50% is lost: it hurts there" in answer


def test_each_set_has_tables_of_its_own_and_every_arm_in_them(found):
    assert [one["name"] for one in found["external_test_sets"]] == ["hospital_b", "archive"]
    for one in found["external_test_sets"]:
        assert [arm["arm"] for arm in one["arms"]] == [arm["arm"] for arm in found["arms"]]
        assert one["counts"] == {"benign": 150, "malignant": 150}
    levels = [[arm["mean"]["auc"] for arm in one["arms"]] for one in found["external_test_sets"]]
    assert levels[0] != levels[1]


def test_the_own_verdict_is_what_it_is_without_external_sets(found):
    own = {"real": 0.8, "traditional": 1.5, "balanced": 1.5, "oversampled": 0.8, "real:50%": 1.5}
    test, external, evaluations = world(TWO, own, {"hospital_b": (TWO, (0.8,) * 5)})
    nothing = [replace(each, elsewhere=each.probabilities[:, :0]) for each in evaluations]
    plan = inputs.plan(own, endpoint="auc", replicates=4)
    rest = (inputs.data_report(test), inputs.audit(TWO), inputs.copies(TWO), inputs.gans(TWO), inputs.fidelity(TWO))
    alone = build_verdict(plan, nothing, test, test.subset(slice(0)), *rest)
    assert alone.pop("external_test_sets") == []
    assert alone == {key: value for key, value in found.items() if key != "external_test_sets"}


def test_thresholds_stay_those_of_the_own_validation_rows(found):
    for one in found["external_test_sets"]:
        for own, there in zip(found["arms"], one["arms"], strict=True):
            assert there["operating_point"]["thresholds"] == own["operating_point"]["thresholds"]


def test_holm_corrects_over_the_arms_of_one_set(found):
    one = found["external_test_sets"][1]["arms"]
    smallest = min((arm["against_real"] for arm in one if arm["against_real"]), key=lambda of: of["p_value"])
    assert smallest["p_holm"] == pytest.approx(min(1, 4 * smallest["p_value"]))


def test_a_class_that_is_not_there_is_left_out_of_the_means():
    found = verdict(THREE, {"real": 1.0, "balanced": 1.2}, {"b": (("benign", "malignant"), (1.0, 1.2))})
    (one,) = found["external_test_sets"]
    assert one["lacking"] == ["keratosis"]
    for arm in one["arms"]:
        recalls = arm["mean"]["per_class"]
        wanted = (recalls["benign"]["recall"] + recalls["malignant"]["recall"]) / 2
        assert arm["mean"]["balanced_accuracy"] == pytest.approx(wanted)
        assert all(np.isfinite(value) for value in arm["mean"].values() if isinstance(value, float))
        assert all(np.isfinite(end) for ends in arm["intervals"].values() for end in ends)


def test_without_external_sets_there_is_nothing_to_say():
    test, _, evaluations = world(TWO, {"real": 1.0}, {"b": (TWO, (1.0,))})
    assert on_external_sets(evaluations, test.subset(slice(0)), [], [], 1, RULE, {}, inputs.copies(TWO)) == []


def test_arms_of_a_source_that_holds_copies_of_a_sets_images_are_not_judged_there():
    own, skills = {"real": 0.8, "gan:20": 1.5, "balanced": 1.5}, (0.8, 1.5, 1.5)
    found = verdict(TWO, own, {"b": (TWO, skills)}, found={"found": 4, "kept": 4})
    assert [arm["against_real"]["verdict"] for arm in found["arms"][1:]] == ["helps", "helps"]
    (one,) = found["external_test_sets"]
    assert [arm["against_real"]["verdict"] for arm in one["arms"][1:]] == ["no verdict", "helps"]
    assert "there is no verdict on gan:20: gan holds copies of images of b (8)" in one["answer"]
    assert one["copies"] == [{"source": "gan", "pictures": 100, "found": 8, "dropped": 0, "kept": 8}]
    dropped = verdict(TWO, own, {"b": (TWO, skills)}, found={"found": 4, "kept": 0})["external_test_sets"][0]
    assert [arm["against_real"]["verdict"] for arm in dropped["arms"][1:]] == ["helps", "helps"]
