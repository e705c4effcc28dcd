import json
from dataclasses import replace

import numpy as np
import pytest

from components.contracts.arms import parse_arm
from components.contracts.classifier import chosen
from components.contracts.errors import InputError
from components.contracts.metrics import METRICS
from components.evaluate.evaluate import evaluate, operating_threshold
from components.evaluate.views import ROC_POINTS, confusion_view, roc_view
from components.train_classifier.replicates import ClassifierSettings
from components.train_classifier.train import train_classifier

SETTINGS = ClassifierSettings(epochs=3, batch_size=8, learning_rate=2e-3, dropout=0.1, patience=0)


@pytest.fixture(scope="module", params=[2, 3])
def evaluated(request, colour_set, tmp_path_factory):
    """Two replicates of `real`, trained and evaluated: (folder of models, of evaluation, test set)."""
    folder = tmp_path_factory.mktemp("evaluated")
    development, test = colour_set(15, classes=request.param), colour_set(150, classes=request.param, split="test")
    paper = chosen("paper", "", "all", "weights")
    train_classifier(
        development, None, parse_arm("real"), 2, 0, SETTINGS, paper, threads=1, models_folder=folder / "models"
    )
    external = colour_set(7, classes=request.param, split="elsewhere")
    evaluate(folder / "models", test, external, 0.9, folder / "evaluation", threads=1)
    return folder / "models", folder / "evaluation", test


def test_evaluation_holds_what_the_contract_says(evaluated):
    models, folder, test = evaluated
    evaluation = json.loads((folder / "evaluation.json").read_text())
    probabilities = np.load(folder / "probabilities.npy", allow_pickle=False)
    classes = len(test.classes)
    assert probabilities.shape == (2, len(test), classes)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=2), 1, rtol=1e-5)
    assert evaluation["arm"] == "real"
    assert evaluation["test_set_digest"] == test.digest()
    assert evaluation["training_images"] == classes * 12
    assert [r["seed"] for r in evaluation["replicates"]] == [0, 1]
    for predicted, replicate in zip(probabilities, evaluation["replicates"], strict=True):
        decided = predicted.argmax(axis=1)
        assert replicate["accuracy"] == pytest.approx(np.mean(decided == test.labels))
        assert replicate["sensitivity"] == pytest.approx(np.mean(decided[test.labels == 1] == 1))
        assert replicate["per_class"]["malignant"]["recall"] == pytest.approx(replicate["sensitivity"])
        assert np.sum(replicate["confusion_matrix"]) == len(test)
        assert set(METRICS) <= set(replicate)
        assert 0 <= replicate["threshold"] <= 1


def test_external_images_are_predicted_as_those_of_the_test_set(evaluated, colour_set, tmp_path):
    models, folder, test = evaluated
    external = colour_set(7, classes=len(test.classes), split="elsewhere")
    found = np.load(folder / "external.npy", allow_pickle=False)
    assert found.shape == (2, len(external), len(test.classes))
    evaluate(models, external, test.subset(slice(0)), 0.9, tmp_path / "out", threads=1)
    assert np.array_equal(np.load(tmp_path / "out" / "probabilities.npy"), found)
    assert np.load(tmp_path / "out" / "external.npy").shape == (2, 0, len(test.classes))
    assert json.loads((folder / "evaluation.json").read_text())["external_set_digest"] == external.digest()


def test_each_replicate_predicts_with_its_own_weights(evaluated):
    import keras

    models, folder, test = evaluated
    probabilities = np.load(folder / "probabilities.npy")
    assert not np.array_equal(*probabilities)
    for r in range(2):
        outputs = keras.saving.load_model(models / f"replicate-{r}.keras")(test.images / np.float32(255)).numpy()
        np.testing.assert_allclose(probabilities[r][:, 1], outputs[:, -1 if outputs.shape[1] == 1 else 1], rtol=1e-4)


def test_threshold_reaches_the_target_on_the_validation_rows_and_no_larger_one_does(evaluated):
    models, folder, _ = evaluated
    labels = np.load(models / "development_labels.npy")
    replicates = json.loads((folder / "evaluation.json").read_text())["replicates"]
    for held_out, replicate in zip(np.load(models / "validation.npy"), replicates, strict=True):
        diseased = held_out[(labels == 1) & ~np.isnan(held_out[:, 1]), 1]
        assert np.mean(diseased >= replicate["threshold"]) >= 0.9
        assert np.mean(diseased > replicate["threshold"]) < 0.9


def test_views_are_finite_and_agree_with_the_evaluation(evaluated):
    _, folder, test = evaluated
    names, matrix = confusion_view(folder, test)
    mean = np.load(folder / "probabilities.npy").mean(axis=0)
    assert names == list(test.classes)
    assert all(type(count) is int for row in matrix for count in row)
    assert np.trace(matrix) == np.sum(mean.argmax(axis=1) == test.labels)

    false, true, thresholds = roc_view(folder, test)
    assert len(false) == len(true) == len(thresholds) <= ROC_POINTS
    assert np.isfinite([false, true, thresholds]).all()
    assert (false[0], true[0]) == (0, 0)
    assert (false[-1], true[-1]) == (1, 1)
    assert (np.diff(thresholds) < 0).all()
    for fpr, tpr, threshold in list(zip(false, true, thresholds, strict=True))[::20]:
        called = mean[:, 1] >= threshold
        assert tpr == pytest.approx(called[test.labels == 1].mean())
        assert fpr == pytest.approx(called[test.labels != 1].mean())


def test_threshold_counts_tied_rows_as_positive():
    p = np.array([0.9, 0.8, 0.8, 0.8, 0.1, 0.95], np.float32)
    is_positive = np.array([True, True, True, True, True, False])
    assert operating_threshold(p, is_positive, 0.4) == pytest.approx(0.8)
    assert operating_threshold(p, is_positive, 0.2) == pytest.approx(0.9)
    assert operating_threshold(p, is_positive, 0.81) == pytest.approx(0.1)
    assert operating_threshold(p, is_positive, 1.0) == pytest.approx(0.1)


def test_threshold_is_not_lowered_by_rounding_errors():
    p = np.linspace(0.1, 1.0, 10)
    assert operating_threshold(p, np.ones(10, bool), 0.7) == pytest.approx(0.4)


def test_threshold_without_positive_rows_is_refused():
    with pytest.raises(InputError, match="validation_share"):
        operating_threshold(np.array([0.5]), np.array([False]), 0.9)


def test_foreign_test_sets_and_broken_models_are_refused(evaluated, colour_set, tmp_path):
    models, _, test = evaluated
    none = test.subset(slice(0))
    with pytest.raises(InputError, match="test set: classes benign, other"):
        evaluate(models, replace(test, classes=("benign", "other")), none, 0.9, tmp_path / "out", threads=1)
    with pytest.raises(InputError, match="external test sets: classes benign, other"):
        evaluate(models, test, replace(test, classes=("benign", "other")), 0.9, tmp_path / "out", threads=1)
    other_size = colour_set(2, size=24, classes=len(test.classes), split="test")
    with pytest.raises(InputError, match="takes images of 20 x 20, the images 24 x 24 pixels"):
        evaluate(models, other_size, none, 0.9, tmp_path / "out", threads=1)
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in models.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    (broken / "replicate-1.keras").write_bytes(b"no model")
    with pytest.raises(InputError, match="replicate-1.keras: not a saved classifier"):
        evaluate(broken, test, none, 0.9, tmp_path / "out", threads=1)
    (broken / "validation.npy").unlink()
    with pytest.raises(InputError, match="validation.npy: not a packed array"):
        evaluate(broken, test, none, 0.9, tmp_path / "out", threads=1)
