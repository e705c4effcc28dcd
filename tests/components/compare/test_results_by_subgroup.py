"""Results by subgroup of the test images."""

from dataclasses import replace

import numpy as np
import pytest
import verdict_inputs as inputs

from components.compare.statistics.rule import Rule
from components.compare.subgroups import by_subgroup
from components.contracts.metrics import scores

CLASSES = ("benign", "malignant")
LABELS = np.repeat([0, 1], 150)
SEX = np.array(["female", "male"])[np.arange(300) % 2]
RULE = Rule.of(inputs.PARAMETERS)


def set_with(**columns):
    return replace(inputs.image_set(LABELS, CLASSES), subgroups={name: np.array(v) for name, v in columns.items()})


def evaluation(arm, p):
    return inputs.evaluation(arm, p, LABELS, CLASSES, 1)


def results(test, arms):
    found = [evaluation(arm, p) for arm, p in arms.items()]
    return by_subgroup(found, test, 1, RULE)


REAL = inputs.probabilities(LABELS, CLASSES, 1.3, 5, 0)


def blind_to_women(p):
    """The same predictions, but every image of a woman with the disease is called benign."""
    spoilt = p.copy()
    spoilt[:, (SEX == "female") & (LABELS == 1)] = [0.9, 0.1]
    return spoilt


def test_an_arm_that_fails_one_subgroup_is_seen_there_and_nowhere_else():
    found = results(set_with(sex=SEX), {"real": REAL, "gan:10": blind_to_women(REAL)})
    assert found["comparisons"] == 6
    [column] = found["columns"]
    assert (column["name"], column["unknown"]) == ("sex", 0)
    women, men = column["values"]
    assert (women["value"], women["images"], women["positives"], women["warning"]) == ("female", 150, 75, "")
    lost = women["arms"][1]["against_real"]["sensitivity"]
    assert lost["estimate"] < -0.5
    assert lost["p_holm"] < 0.05
    assert lost["adjusted"][0] <= lost["interval"][0] <= lost["interval"][1] <= lost["adjusted"][1] < 0
    for metric in ("sensitivity", "specificity", "auc"):
        assert men["arms"][1]["against_real"][metric]["estimate"] == 0
        assert men["arms"][1]["against_real"][metric]["p_holm"] > 0.5


def test_figures_are_those_of_the_subgroups_images_alone():
    [women, _] = results(set_with(sex=SEX), {"real": REAL})["columns"][0]["values"]
    chosen = SEX == "female"
    expected = np.mean([scores(p[chosen], LABELS[chosen], 1)["auc"][0] for p in REAL])
    assert women["arms"][0]["mean"]["auc"] == pytest.approx(expected, abs=1e-9)
    low, high = women["arms"][0]["intervals"]["auc"]
    assert low < expected < high


def test_a_subgroup_too_small_to_tell_is_said_and_images_without_a_value_are_counted():
    site = np.full(300, "arm", dtype="U8")
    site[:40] = ""
    site[40:60] = "foot"  # twenty benign images, none malignant
    site[200:205] = "hand"
    site[100:130] = "hand"
    [column] = results(set_with(site=site), {"real": REAL, "gan:10": REAL})["columns"]
    assert column["unknown"] == 40
    by_value = {entry["value"]: entry for entry in column["values"]}
    assert by_value["arm"]["warning"] == ""
    assert by_value["foot"]["warning"] == "holds no malignant images: nothing can be measured"
    assert by_value["foot"]["arms"] == []
    assert by_value["hand"]["warning"].startswith("too small to tell: 5 independent malignant images")


def test_images_of_one_group_count_once():
    test = set_with(sex=SEX)
    grouped = replace(test, groups=np.array([f"patient-{label}-{i // 50}" for i, label in enumerate(LABELS)]))
    [women, _] = results(grouped, {"real": REAL})["columns"][0]["values"]
    assert women["warning"].startswith("too small to tell: 3 independent malignant images")


def test_without_subgroups_nothing_is_compared():
    assert results(set_with(), {"real": REAL}) == {"comparisons": 0, "columns": []}
