import numpy as np
import pytest
from sklearn import metrics as reference

from components.contracts.metrics import METRICS, confusion_matrix, decisions, per_class, scores


def predictions(classes, images=300, ties=False, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=images)
    logits = rng.normal(size=(images, classes)) + 1.2 * np.eye(classes)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if ties:
        probabilities[:, 0] = probabilities[:, 0].round(1)
        probabilities[:, 1] = 1 - probabilities[:, 0]
    return probabilities.astype(np.float32), labels


def expected(probabilities, labels, positive, weights):
    decided = decisions(probabilities, positive)
    is_positive, p = labels == positive, probabilities[:, positive]
    binary = probabilities.shape[1] == 2
    one_hot = np.eye(probabilities.shape[1])[labels]
    squared = (p - is_positive) ** 2 if binary else ((probabilities - one_hot) ** 2).sum(axis=1)
    said = decided == positive
    return {
        "accuracy": reference.accuracy_score(labels, decided, sample_weight=weights),
        "balanced_accuracy": reference.balanced_accuracy_score(labels, decided, sample_weight=weights),
        "sensitivity": reference.recall_score(is_positive, said, sample_weight=weights),
        "specificity": reference.recall_score(~is_positive, ~said, sample_weight=weights),
        "f1": reference.f1_score(is_positive, said, sample_weight=weights),
        "auc": reference.roc_auc_score(is_positive, p, sample_weight=weights),
        "average_precision": reference.average_precision_score(is_positive, p, sample_weight=weights),
        "brier": np.average(squared, weights=weights),
    }


@pytest.mark.parametrize(("classes", "positive", "ties"), [(2, 0, False), (2, 1, False), (2, 1, True), (4, 2, False)])
def test_scores_agree_with_scikit_learn_for_each_row_of_weights(classes, positive, ties):
    probabilities, labels = predictions(classes, ties=ties)
    rng = np.random.default_rng(1)
    weights = np.vstack([np.ones(len(labels)), rng.poisson(1.0, (3, len(labels))), rng.random(len(labels))])
    found = scores(probabilities, labels, positive, weights)
    for row, weight in enumerate(weights):
        for name, value in expected(probabilities, labels, positive, weight).items():
            assert found[name][row] == pytest.approx(value, abs=1e-6), (name, row)


def test_without_weights_each_image_counts_once():
    probabilities, labels = predictions(2)
    plain = scores(probabilities, labels, 1)
    ones = scores(probabilities, labels, 1, np.ones((1, len(labels))))
    assert set(plain) == set(METRICS)
    assert all(plain[name].shape == (1,) and plain[name] == ones[name] for name in METRICS)


def test_a_resample_scores_as_the_images_it_repeats():
    probabilities, labels = predictions(3)
    drawn = np.random.default_rng(2).integers(len(labels), size=len(labels))
    weighted = scores(probabilities, labels, 1, np.bincount(drawn, minlength=len(labels))[None])
    repeated = scores(probabilities[drawn], labels[drawn], 1)
    for name in METRICS:
        assert weighted[name] == pytest.approx(repeated[name], abs=1e-12)


def test_many_weights_are_scored_in_chunks_like_single_ones():
    probabilities, labels = predictions(2, images=5000)
    weights = np.random.default_rng(3).poisson(1.0, (60, len(labels)))
    many = scores(probabilities, labels, 0, weights)
    for row in (0, 25, 26, 59):
        one = scores(probabilities, labels, 0, weights[row : row + 1])
        assert all(many[name][row] == pytest.approx(one[name][0], abs=1e-12) for name in METRICS)


def test_macro_auc_is_the_mean_of_each_class_against_the_rest():
    probabilities, labels = predictions(4)
    probabilities = probabilities.astype(np.float64)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    value = reference.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    assert scores(probabilities, labels, 0, wanted=["macro_auc"])["macro_auc"][0] == pytest.approx(value, abs=1e-9)


def test_a_probability_of_one_half_is_decided_positive():
    half = np.array([[0.5, 0.5]])
    assert decisions(half, 0) == 0
    assert decisions(half, 1) == 1


def test_confusion_matrix_and_per_class_agree_with_scikit_learn():
    probabilities, labels = predictions(4)
    decided = decisions(probabilities, 0)
    confusion = confusion_matrix(probabilities, labels, 0)
    assert np.array_equal(confusion, reference.confusion_matrix(labels, decided))
    columns = reference.precision_recall_fscore_support(labels, decided)
    for c, values in enumerate(per_class(confusion, "abcd").values()):
        assert list(values.values()) == pytest.approx([column[c] for column in columns])


def test_a_class_that_is_never_decided_has_precision_zero():
    assert per_class(np.array([[3, 0], [2, 0]]), ["a", "b"])["b"] == {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0,
        "support": 2,
    }


def test_an_unknown_metric_is_refused():
    probabilities, labels = predictions(2)
    with pytest.raises(ValueError, match="unknown metric roc"):
        scores(probabilities, labels, 1, wanted=["roc"])
