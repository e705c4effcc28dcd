from dataclasses import replace

import numpy as np
import pytest
import verdict_inputs as inputs

from components.compare.evaluations import load_evaluations
from components.contracts.errors import InputError
from components.contracts.files import read_json, write_json

CLASSES = ("benign", "malignant")
LABELS = np.repeat([0, 1], 30)
TEST = inputs.image_set(LABELS, CLASSES)
NONE = TEST.subset(slice(0))


@pytest.fixture
def folders(tmp_path):
    written = {}
    for seed, arm in enumerate(["real", "gan:20"]):
        found = inputs.evaluation(arm, inputs.probabilities(LABELS, CLASSES, seed=seed), LABELS, CLASSES, 1)
        written[arm] = inputs.write_evaluation(tmp_path / f"evaluation-{seed}", found, TEST, "malignant")
    return written


def load(folders, arms=("real", "gan:20"), test=TEST, positive_class="malignant"):
    return load_evaluations(list(folders.values()), arms, test, NONE, positive_class)


def change(folder, **values):
    write_json(folder / "evaluation.json", read_json(folder / "evaluation.json") | values)


def test_evaluations_come_in_the_order_of_the_plan_without_histories(folders):
    found = load(dict(reversed(folders.items())))
    assert [evaluation.arm for evaluation in found] == ["real", "gan:20"]
    assert found[0].probabilities.shape == (3, 60, 2)
    assert found[0].thresholds == [0.4] * 3
    assert "history" not in found[0].replicates[0]


def test_the_mean_prediction_averages_the_replicates(folders):
    found = load(folders)[0]
    assert np.allclose(found.mean_prediction(), found.probabilities.mean(axis=0))


def test_a_missing_arm_is_named(folders):
    with pytest.raises(InputError, match="arm 'gan:50' is missing"):
        load(folders, ["real", "gan:20", "gan:50"])


def test_an_arm_outside_the_plan_is_named(folders):
    with pytest.raises(InputError, match="arm 'gan:20' is not in the plan"):
        load(folders, ["real"])


def test_an_arm_given_twice_is_named(folders):
    with pytest.raises(InputError, match="arm 'real' is there twice"):
        load_evaluations([folders["real"], folders["real"]], ["real"], TEST, NONE, "malignant")


def test_another_test_set_is_refused(folders):
    other = replace(TEST, sha256=TEST.sha256[::-1])
    with pytest.raises(InputError, match="evaluation.json: made from another test set"):
        load(folders, test=other)


def test_another_positive_class_is_refused(folders):
    with pytest.raises(InputError, match="positive class differ"):
        load(folders, positive_class="benign")


def test_other_shapes_are_refused(folders):
    np.save(folders["real"] / "probabilities.npy", np.full((3, 59, 2), 0.5))
    with pytest.raises(InputError, match=r"probabilities.npy: holds \(3, 59, 2\), expected .* \(3, 60, 2\)"):
        load(folders)


@pytest.mark.parametrize("value", [np.nan, -0.5, 0.9])
def test_rows_that_are_no_probabilities_are_refused(folders, value):
    file = folders["real"] / "probabilities.npy"
    array = np.load(file)
    array[1, 7, 0] = value
    array[1, 7, 1] = 0.9
    np.save(file, array)
    with pytest.raises(InputError, match="not probabilities that sum to 1"):
        load(folders)


def test_a_missing_or_broken_array_is_named(folders):
    (folders["real"] / "probabilities.npy").write_bytes(b"no array")
    with pytest.raises(InputError, match="probabilities.npy: not an array of probabilities"):
        load(folders)


def test_metrics_that_do_not_follow_from_the_probabilities_are_refused(folders):
    replicates = read_json(folders["gan:20"] / "evaluation.json")["replicates"]
    replicates[2]["sensitivity"] += 0.01
    change(folders["gan:20"], replicates=replicates)
    with pytest.raises(InputError, match="sensitivity of replicate 2 does not follow from"):
        load(folders)


def test_arms_with_different_numbers_of_replicates_are_refused(folders, tmp_path):
    found = inputs.evaluation("gan:20", inputs.probabilities(LABELS, CLASSES, replicates=2), LABELS, CLASSES, 1)
    folders["gan:20"] = inputs.write_evaluation(tmp_path / "other", found, TEST, "malignant")
    with pytest.raises(InputError, match="arm 'gan:20' has 2 replicates, real has 3"):
        load(folders)
