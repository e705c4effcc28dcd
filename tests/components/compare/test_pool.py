"""What several test folds found, put together."""

from dataclasses import replace

import numpy as np
import pytest
import verdict_inputs as inputs

from components.compare.ledger import Change
from components.compare.pool import pool_changes, pool_evaluations, pool_tests, stack_sets
from components.contracts.errors import InputError

CLASSES = ("benign", "malignant")
LABELS = np.repeat([0, 1], 4)


def fold(number):
    test = inputs.image_set(LABELS, CLASSES, paths=[f"{number}/{i}" for i in range(8)])
    return replace(test, folds=np.full(8, number), images=test.images + np.uint8(number))


def test_rows_and_pixels_of_all_folds_stand_one_behind_the_other():
    folds = [fold(0), fold(1), fold(2)]
    pooled = pool_tests(folds)
    assert len(pooled) == len(pooled.images) == 24
    for row in (0, 9, 23):
        assert pooled.paths[row] == f"{row // 8}/{row % 8}"
        assert np.array_equal(pooled.images[row], folds[row // 8].images[row % 8])
    assert np.array_equal(pooled.images[np.array([1, 17])][1], folds[2].images[1])
    assert pooled.image_size == 32
    assert stack_sets(folds[:2], ["a/", "b/"]).paths[8] == "b/1/0"


@pytest.mark.parametrize("folds", [(0, 0), (1, 0), (0, 2)])
def test_folds_that_are_not_all_of_one_data_set_are_refused(folds):
    with pytest.raises(InputError, match="^test_folds: the runs are not each one fold"):
        pool_tests([fold(number) for number in folds])


def test_an_image_keeps_the_probabilities_of_its_own_fold_and_replicates_say_which_is_theirs():
    each = [inputs.probabilities(LABELS, CLASSES, seed=seed) for seed in (0, 1)]
    folds = [
        [inputs.evaluation("gan:9", p, LABELS, CLASSES, 1, synthetic)]
        for p, synthetic in zip(each, (9, 10), strict=True)
    ]
    (pooled,) = pool_evaluations(folds)
    assert np.array_equal(pooled.probabilities, np.concatenate(each, axis=1))
    assert [replicate["test_fold"] for replicate in pooled.replicates] == [0, 0, 0, 1, 1, 1]
    assert [pooled.replicates[r]["generator"] for r in (0, 5)] == ["gan-0 (fold 1)", "gan-0 (fold 2)"]
    assert pooled.thresholds_in(1) == folds[1][0].thresholds
    fewer = inputs.evaluation("gan:9", each[1][:2], LABELS, CLASSES, 1, 9)
    with pytest.raises(InputError, match=r"arm 'gan:9' has more replicates in one fold than in another"):
        pool_evaluations([folds[0], [fewer]])


def test_the_ledger_of_all_folds_has_one_order_and_says_whose_synthetic_image_is_nearest():
    def change(kind, path, moved):
        return Change("gan:9", kind, path, "malignant", "a", "b", 0.5, 0.5 + moved, 1, 2, "gan-0/benign/3", 0.1)

    first, second = [change("false alarm", "a", 0.1)], [change("missed disease", "b", 0.1), change("cleared", "c", 0.3)]
    pooled = pool_changes([first, second], ["fold-1/", "fold-2/"], ["real", "gan:9"])
    assert [entry.path for entry in pooled] == ["b", "a", "c"]
    assert pooled[1].nearest_1 == "fold-1/gan-0/benign/3"
    assert pooled[1].nearest_2 == ""
