"""The influence of each image on a score: the score's own derivative."""

import numpy as np
import pytest

from components.compare.statistics.influence import influences, sensitivity_at_specificity
from components.contracts.metrics import METRICS, scores

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 60)
P = np.round(np.clip(RNG.normal(0.4 + 0.3 * LABELS, 0.25), 0.01, 0.99), 2)  # with ties
TWO = np.stack([1 - P, P], axis=1)
THREE, THREE_LABELS = RNG.dirichlet([1, 1, 1], 60), RNG.integers(0, 3, 60)


@pytest.mark.parametrize("name", [*METRICS, "macro_auc"])
@pytest.mark.parametrize(("probabilities", "labels"), [(TWO, LABELS), (THREE, THREE_LABELS)], ids=["two", "three"])
def test_influences_are_the_derivatives_by_the_images_weights(name, probabilities, labels):
    step = 1e-5 * np.eye(60)
    up, down = (scores(probabilities, labels, 1, 1 + side * step, [name])[name] for side in (1, -1))
    found = influences(name, probabilities, labels, 1, 0.5, 0.9)
    assert np.allclose(found, (up - down) / 2e-5, atol=1e-7)
    assert found.sum() == pytest.approx(0, abs=1e-12)


def test_sensitivity_at_a_specificity_is_read_off_the_roc_curve():
    negatives, positives = np.linspace(0, 1, 101), np.array([0.551, 0.895, 0.985, 0.995])
    p = np.concatenate([negatives, positives])
    is_positive = np.arange(105) > 100
    assert sensitivity_at_specificity(p, is_positive, 1 - 2 / 101) == pytest.approx(0.5)
    assert sensitivity_at_specificity(p, is_positive, 0.4) == 1


def test_influences_on_the_sensitivity_at_a_specificity_add_up_to_its_variance():
    values, squares = [], []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        is_positive = np.repeat([False, True], 200)
        p = 1 / (1 + np.exp(-rng.normal(is_positive * 2.0, 1.0)))
        values.append(sensitivity_at_specificity(p, is_positive, 0.8))
        two = np.stack([1 - p, p], axis=1)
        found = influences("sensitivity_at_specificity", two, is_positive.astype(int), 1, 0.5, 0.8)
        squares.append(np.sum(found**2))
    assert np.mean(squares) == pytest.approx(np.var(values), rel=0.25)
