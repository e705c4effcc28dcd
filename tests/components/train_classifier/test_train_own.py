"""Networks that are not gansweep's own, trained as its own is."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from own_models import residual_model, saved

from components.classifiers.own import networks_of_file
from components.contracts.arms import parse_arm
from components.contracts.classifier import Classifier
from components.evaluate.evaluate import evaluate
from components.train_classifier.replicates import ClassifierSettings
from components.train_classifier.train import train_classifier

SETTINGS = ClassifierSettings(epochs=3, batch_size=8, learning_rate=2e-3, dropout=0.0, patience=0)
OWN = Classifier("mine.keras", "own", "all", "weights", "mine.keras")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("model"), residual_model(size=16, top="softmax"))


def trained(folder, development, classifier, file, arm="balanced"):
    train_classifier(
        development, None, parse_arm(arm), 2, 7, SETTINGS, classifier, file, threads=1, models_folder=folder
    )
    return json.loads((folder / "training.json").read_text()), np.load(folder / "validation.npy")


@pytest.mark.parametrize("arm", ["balanced", "traditional"])
def test_the_same_file_and_seed_give_the_same_bits(colour_set, model, tmp_path, arm):
    development = colour_set()
    (first, once), (second, again) = (
        trained(tmp_path / name, development, OWN, model, arm) for name in ("once", "again")
    )
    np.testing.assert_array_equal(once, again)
    assert first["replicates"] == second["replicates"]
    held = ~np.isnan(once[..., 0])
    assert (held == np.stack([development.validation_mask(r) for r in range(2)])).all()


def test_the_test_set_is_predicted_by_the_network_that_was_validated(colour_set, model, tmp_path):
    development = colour_set()
    training, validation = trained(tmp_path / "models", development, OWN, model)
    none = development.subset(slice(0))
    evaluate(tmp_path / "models", development, none, 0.9, tmp_path / "evaluation", threads=1)
    predicted = np.load(tmp_path / "evaluation/probabilities.npy")
    held = ~np.isnan(validation)
    np.testing.assert_allclose(predicted[held], validation[held], atol=1e-5)
    told = json.loads((tmp_path / "evaluation/evaluation.json").read_text())["classifier"]
    assert told == training["classifier"]
    assert (told["file"], told["trainable"], told["start"]) == ("mine.keras", "all", "weights")


def test_a_head_alone_leaves_the_body_as_the_file_has_it(colour_set, model, tmp_path):
    head = replace(OWN, trainable="head")
    training, _ = trained(tmp_path / "models", colour_set(), head, model)
    assert training["classifier"]["trainable_weights"] == 8 + 1
    learnt = keras.saving.load_model(tmp_path / "models/replicate-0.keras").get_weights()
    given = networks_of_file(model, 20, 2).logits.get_weights()
    for one, other in zip(learnt[:-2], given[:-2], strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(learnt[-2], given[-2])


def test_all_arms_of_a_replicate_begin_with_the_same_weights_and_replicates_differ(model):
    for from_file in (True, False):
        networks = [networks_of_file(model, 32, 2, from_file=from_file) for _ in range(2)]
        first, second = (network.initial(3) for network in networks)
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one, other)
        assert any(not np.array_equal(one, other) for one, other in zip(first, networks[0].initial(4), strict=True))
