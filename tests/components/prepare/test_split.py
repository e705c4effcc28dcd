import numpy as np
import pytest

from components.contracts.errors import InputError
from components.prepare.split import draw_test_set, validation_folds

CLASSES = ("benign", "malignant")


def data(count: int = 400, group_size: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels (30% malignant) and groups of one class each."""
    groups = np.arange(count) // group_size
    labels = (np.random.default_rng(seed).random(groups.max() + 1) < 0.3).astype(np.int64)[groups]
    return labels, np.array([f"lesion-{group}" for group in groups])


def cut_groups(parts: np.ndarray, groups: np.ndarray) -> int:
    return sum(len(set(parts[groups == group].tolist())) > 1 for group in set(groups))


@pytest.mark.parametrize("share", [0.1, 0.15, 0.2, 0.3, 0.5])
def test_the_test_set_has_its_share_of_each_class_and_cuts_no_group(share):
    labels, groups = data()
    test = draw_test_set(labels, groups, CLASSES, share, seed=1)
    assert cut_groups(test, groups) == 0
    for label in (0, 1):
        assert test[labels == label].mean() == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize(("share", "count"), [(0.2, 5), (0.25, 4), (0.1, 10), (0.5, 2), (0.9, 2)])
def test_validation_folds_have_each_class_in_its_share_and_cut_no_group(share, count):
    labels, groups = data()
    folds = validation_folds(labels, groups, CLASSES, share, seed=1)
    assert sorted(set(folds.tolist())) == list(range(count))
    assert cut_groups(folds, groups) == 0
    for fold in range(count):
        assert labels[folds == fold].mean() == pytest.approx(labels.mean(), abs=0.05)


def test_the_seed_decides_alone():
    labels, groups = data()
    first, again, other = (draw_test_set(labels, groups, CLASSES, 0.2, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    folds = [validation_folds(labels, groups, CLASSES, 0.2, seed) for seed in (1, 1, 2)]
    assert np.array_equal(folds[0], folds[1])
    assert not np.array_equal(folds[0], folds[2])


def test_a_class_of_few_groups_is_refused():
    labels = np.array([0] * 20 + [1] * 3)
    groups = np.array([f"g{i}" for i in range(23)])
    with pytest.raises(InputError, match=r"^validation_share: malignant has images of 3 groups .* at least 5"):
        validation_folds(labels, groups, CLASSES, 0.2, seed=0, known=True)
    with pytest.raises(InputError, match=r"^validation_share: malignant has images of 3 pictures that differ"):
        validation_folds(labels, groups, CLASSES, 0.2, seed=0)
    groups[20:] = "one patient"
    with pytest.raises(InputError, match=r"^test_share: malignant has images of 1 groups .* at least 2"):
        draw_test_set(labels, groups, CLASSES, 0.2, seed=0, known=True)


def test_a_class_of_few_groups_still_gives_test_images():
    labels = np.array([0] * 100 + [1] * 4)
    groups = np.array([f"g{i}" for i in range(104)])
    test = draw_test_set(labels, groups, CLASSES, 0.2, seed=0)
    assert 1 <= test[labels == 1].sum() <= 2


def test_groups_that_cannot_be_parted_are_refused():
    labels = np.array(
        [0] * 10 + [1] * 10 + [2] * 10
    )  # each two of three patients share a class: no cut has all in both
    groups = np.array((["a"] * 5 + ["b"] * 5) + (["b"] * 5 + ["c"] * 5) + (["c"] * 5 + ["a"] * 5))
    with pytest.raises(InputError, match=r"^test_share: .* \(the largest group holds 10 images\)"):
        draw_test_set(labels, groups, (*CLASSES, "other"), 0.2, seed=0)
    with pytest.raises(InputError, match=r"^validation_share: .* \(the largest group holds 10 images\)"):
        validation_folds(labels, groups, (*CLASSES, "other"), 0.5, seed=0)
