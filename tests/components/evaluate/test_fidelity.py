import numpy as np
import pytest

from components.evaluate.fidelity import MOST_JUDGED, label_fidelity


def certain(decided: np.ndarray) -> np.ndarray:
    """Return probabilities (float32 [..., 2]) of these decisions."""
    return np.stack([1 - decided, decided], -1).astype(np.float32)


def test_shares_are_means_over_images_and_replicates(colour_set):
    synthetic = colour_set(4, split="synthetic")
    labels = np.array([0, 0, 0, 0, 1, 1])
    validation = np.full((2, 6, 2), np.nan, np.float32)
    validation[0, [0, 1, 4]] = certain(np.array([0, 1, 1]))
    validation[1, [1, 2, 5]] = certain(np.array([0, 0, 0]))
    wrong_once = {0: np.array([0, 0, 1, 0]), 1: np.array([0, 0, 0, 0])}

    def predict(rows):
        label = synthetic.labels[rows[0]]
        return np.stack([certain(wrong_once[label]), certain(np.full(len(rows), label))])

    found = {(one["class"], one["generator"]): one for one in label_fidelity(synthetic, predict, validation, labels)}
    generator = synthetic.groups[0]
    assert list(found) == [("benign", ""), ("malignant", ""), ("benign", generator), ("malignant", generator)]
    assert found["benign", ""]["images"] == 3  # one image is in no fold that is validated on
    assert found["benign", ""]["taken_for"] == pytest.approx({"benign": 2.5 / 3, "malignant": 0.5 / 3})
    assert found["malignant", ""]["taken_for"]["malignant"] == 0.5
    assert found["benign", generator]["taken_for"]["benign"] == pytest.approx(7 / 8)
    assert found["malignant", generator]["taken_for"]["benign"] == 0.5


def test_trainings_that_disagree_make_the_share_unsure(colour_set):
    synthetic = colour_set(40, split="synthetic")
    validation, labels = np.full((2, 4, 2), np.nan, np.float32), np.array([0, 0, 1, 1])
    validation[:, :] = certain(np.array([0, 0, 1, 1]))

    def deviation(*replicates):
        def predict(rows):
            return np.stack([certain(np.arange(len(rows)) < share * len(rows)) for share in replicates])

        return label_fidelity(synthetic, predict, validation, labels)[-1]["deviation"]

    assert deviation(0.5, 0.5) == pytest.approx(0.5 / np.sqrt(40), rel=0.05)
    assert deviation(0.2, 0.8) > 2 * deviation(0.5, 0.5)


def test_no_more_images_are_judged_than_needed(colour_set):
    synthetic = colour_set(MOST_JUDGED + 5, size=8, split="synthetic")
    asked = []

    def predict(rows):
        asked.append(len(rows))
        return np.full((1, len(rows), 2), 0.5, np.float32)

    label_fidelity(synthetic, predict, np.full((1, 2, 2), 0.5, np.float32), np.array([0, 1]))
    assert asked == [MOST_JUDGED] * 2
