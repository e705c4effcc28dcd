"""The small form of `make calibrate`: the rule against experiments whose truth is known."""

import numpy as np
import pytest

from components.compare.evaluations import Evaluation
from components.contracts.imageset import ImageSet
from tests.calibration.__main__ import false_verdicts, power
from tests.calibration.trainings import MOST, REPLICATES, Fold, load, trial, truth
from tests.calibration.worlds import ENDPOINTS, Size

TRIALS = 60  # with a true rate of 5%, 9 or more false verdicts have a chance of 0.3%


@pytest.mark.parametrize(
    "name",
    [
        "3 replicates",
        "3 generators, luck among them",
        "rare class: 20 of 660",
        "nearly perfect, 3 replicates",
        "5 test folds, 3 replicates",
        "5 test folds of 2 generators, luck among them",
        "an external set of 300, 5 test folds, 3 replicates",
    ],
)
def test_false_verdicts_stay_rare(name):
    assert max(false_verdicts(name, TRIALS).values()) <= 8


def test_two_replicates_never_give_a_verdict():
    assert set(false_verdicts("2 replicates", 10).values()) == {0}


def test_four_points_on_660_images_are_seen_with_ten_replicates():
    assert min(power(0.04, Size(replicates=10), 30)[10].values()) >= 20


def trained(name, skill, labels, rng):
    """Make up trainings of an arm whose logits lie `skill` from 0, on the side of the class."""
    logit = (2 * labels - 1) * skill + rng.normal(size=(2 * MOST, len(labels)))
    p = 1 / (1 + np.exp(-logit))
    probabilities = np.stack([1 - p, p], axis=2).astype(np.float32)
    return Evaluation(name, probabilities, {}, 0, [{"threshold": 0.5}] * (2 * MOST), {})


def test_a_large_gain_of_real_trainings_is_seen_and_none_where_there_is_none():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 60)
    no_more = np.full(120, "")
    test = ImageSet(
        "made up",
        "",
        ("benign", "malignant"),
        np.zeros((120, 2, 2, 3), np.uint8),
        no_more,
        labels,
        no_more,
        np.full(120, -1),
        np.array([f"lesion {n // 2}" for n in range(120)]),
        no_more,
    )
    folds = [
        Fold({n: trained(n, skill, labels, rng) for n, skill in (("real", 1.5), ("real:5%", 0.5))}, test, 1)
        for _ in range(2)
    ]
    assert min(truth(folds, "real:5%").values()) > 0.1
    for chosen in (folds[:1], folds):
        found = [trial(chosen, 100, rng) for _ in range(20)]
        assert set(found[0]) == {(arm, replicates) for arm in ("real", "real:5%") for replicates in REPLICATES}
        for endpoint in ENDPOINTS:
            assert all(each["real:5%", MOST][endpoint] == "helps" for each in found)
            assert sum(each["real", MOST][endpoint] in ("helps", "hurts") for each in found) <= 6


def test_the_trainings_of_a_finished_run_are_found(finished):
    (fold,) = load(finished[0])
    assert list(fold.arms) == ["real", "gan:10", "traditional+gan:50%"]
    assert (len(fold.test), fold.positive) == (24, 1)
