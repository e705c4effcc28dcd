import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from components.contracts.arms import parse_arm
from components.contracts.classifier import chosen
from components.contracts.errors import InputError
from components.contracts.imageset import read_imageset, write_imageset
from components.contracts.progress import parse
from components.train_classifier import replicates
from components.train_classifier.replicates import ClassifierSettings
from components.train_classifier.train import train_classifier

SETTINGS = ClassifierSettings(epochs=4, batch_size=8, learning_rate=2e-3, dropout=0.25, patience=0)
REPOSITORY = Path(__file__).parents[3]

TRAIN_AGAIN = """
import sys
from components.contracts.arms import parse_arm
from components.contracts.classifier import chosen
from components.contracts.imageset import read_imageset
from components.train_classifier.replicates import ClassifierSettings
from components.train_classifier.train import train_classifier
development, synthetic, models = sys.argv[1:]
train_classifier(read_imageset(development), read_imageset(synthetic), parse_arm("traditional+gan:6"), 2, 7,
    ClassifierSettings(epochs=4, batch_size=8, learning_rate=2e-3, dropout=0.25, patience=0),
    chosen("paper", "", "all", "weights"), threads=1, models_folder=models)
"""


PAPER = chosen("paper", "", "all", "weights")


def trained(folder, development, arm="real", synthetic=None, replicates=1, settings=SETTINGS, seed=7):
    train_classifier(
        development, synthetic, parse_arm(arm), replicates, seed, settings, PAPER, threads=1, models_folder=folder
    )
    return json.loads((folder / "training.json").read_text())


def weights_of(path):
    return keras.saving.load_model(path).get_weights()


def test_replicates_share_one_trace_and_write_what_the_contract_says(tmp_path, colour_set, monkeypatch, capsys):
    fitters = []

    class Remembered(replicates.Fitter):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            fitters.append(self)

    monkeypatch.setattr(replicates, "Fitter", Remembered)
    development = colour_set(18)  # folds of different sizes
    training = trained(tmp_path / "models", development, replicates=3)

    (fitter,) = fitters
    assert fitter.traced_epoch.experimental_get_tracing_count() == 1
    assert fitter.traced_logits.experimental_get_tracing_count() == 1

    assert training["arm"] == "real"
    assert training["classes"] == ["benign", "malignant"]
    assert training["positive_class"] == "malignant"
    assert training["synthetic_per_class"] == {"benign": 0, "malignant": 0}
    assert training["training_images"] == 28
    assert [r["seed"] for r in training["replicates"]] == [7, 8, 9]
    assert [r["fold"] for r in training["replicates"]] == [0, 1, 2]
    assert all(len(series) == 4 for r in training["replicates"] for series in r["history"].values())

    validation = np.load(tmp_path / "models" / "validation.npy")
    assert validation.shape == (3, 36, 2)
    assert validation.dtype == np.float32
    for r, probabilities in enumerate(validation):
        np.testing.assert_array_equal(np.isnan(probabilities).all(axis=1), development.folds != r)
        held_out = probabilities[development.folds == r]
        np.testing.assert_allclose(held_out.sum(axis=1), 1, rtol=1e-6)
        model = keras.saving.load_model(tmp_path / "models" / f"replicate-{r}.keras")
        images = development.images[development.folds == r] / np.float32(255)
        np.testing.assert_allclose(model(images)[:, 0], held_out[:, 1], rtol=1e-4)
    np.testing.assert_array_equal(np.load(tmp_path / "models" / "development_labels.npy"), development.labels)

    events = [event for line in capsys.readouterr().out.splitlines() if (event := parse(line))]
    assert [event.done for event in events if event.done % 4 == 0] == [4, 8, 12]
    assert {(event.stage, event.cell, event.planned, event.unit) for event in events} == {
        ("train_classifier", "real", 12, "epochs")
    }
    assert set(events[0].figures) == {"loss", "val_loss", "val_accuracy"}


def test_same_seed_gives_the_same_weights_in_another_process_and_another_seed_others(tmp_path, colour_set):
    development, synthetic = colour_set(15), colour_set(6, split="synthetic")
    write_imageset(tmp_path / "development", development)
    write_imageset(tmp_path / "synthetic", synthetic)
    folders = [str(tmp_path / name) for name in ("development", "synthetic", "there")]
    subprocess.run(
        [sys.executable, "-c", TRAIN_AGAIN, *folders],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    development = read_imageset(tmp_path / "development")
    trained(tmp_path / "here", development, "traditional+gan:6", synthetic, replicates=2)
    for r in range(2):
        pairs = zip(*(weights_of(tmp_path / side / f"replicate-{r}.keras") for side in ("here", "there")), strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs)
    # Replicate 1 on its own folds and seed, trained first: nothing is carried from one replicate to the next.
    shifted = colour_set(15)
    shifted.folds[:] = (development.folds - 1) % 5
    trained(tmp_path / "alone", shifted, "traditional+gan:6", synthetic, seed=8)
    alone = weights_of(tmp_path / "alone" / "replicate-0.keras")
    zeroth, first = (weights_of(tmp_path / "here" / f"replicate-{r}.keras") for r in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(alone, first, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(zeroth, first, strict=True))


@pytest.mark.parametrize("classes", [2, 4])
def test_classes_of_different_colour_are_learnt(tmp_path, colour_set, classes):
    settings = ClassifierSettings(epochs=12, batch_size=8, learning_rate=2e-3, dropout=0.1, patience=0)
    development = colour_set(25, classes=classes)
    training = trained(tmp_path / "models", development, settings=settings)
    assert max(training["replicates"][0]["history"]["val_accuracy"]) >= 0.9
    held_out = np.load(tmp_path / "models" / "validation.npy")[0][development.folds == 0]
    assert held_out.shape == (classes * 5, classes)
    assert np.mean(held_out.argmax(axis=1) == development.labels[development.folds == 0]) >= 0.9


def test_best_epoch_is_kept_and_patience_ends_a_replicate(tmp_path, colour_set, capsys):
    settings = ClassifierSettings(epochs=40, batch_size=4, learning_rate=2e-2, dropout=0.0, patience=2)
    development = colour_set(15)
    training = trained(tmp_path / "models", development, replicates=2, settings=settings)
    for r, replicate in enumerate(training["replicates"]):
        losses = replicate["history"]["val_loss"]
        assert replicate["best_epoch"] == int(np.argmin(losses)) + 1
        assert replicate["epochs_run"] == len(losses) == replicate["best_epoch"] + 2 < 40
        held_out = development.folds == r
        p = np.load(tmp_path / "models" / "validation.npy")[r][held_out]
        truth = np.take_along_axis(p, development.labels[held_out][:, None], axis=1)
        assert -np.log(truth).mean() == pytest.approx(min(losses), rel=1e-4)
    events = [event for line in capsys.readouterr().out.splitlines() if (event := parse(line))]
    assert events[-1].done == events[-1].planned == 80
    assert 40 in [event.done for event in events]


def test_diverged_training_is_refused(tmp_path, colour_set):
    settings = ClassifierSettings(epochs=3, batch_size=8, learning_rate=1e30, dropout=0.0, patience=0)
    with pytest.raises(InputError, match="classifier_learning_rate"):
        trained(tmp_path / "models", colour_set(10), settings=settings)
