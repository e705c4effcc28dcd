"""Heads on features: fitted all at once, as a loop of fits would."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from components.classifiers.heads import Heads, load_heads, probabilities_of
from components.contracts.arms import parse_arm
from components.contracts.errors import InputError
from components.contracts.features import VIEWS, Features, FeatureSet
from components.evaluate.evaluate import evaluate
from components.train_classifier.axes import find_axes
from components.train_classifier.solve import Problem, cross_entropy, fit_heads, logits_of
from components.train_classifier.train_heads import PENALTIES, train_heads

SIZE = 30


class Drawn(Features):
    """Features drawn around a centre a class, for any image set; the views of an image differ a little."""

    def open(self, name, imageset):
        rng = np.random.default_rng([7, len(name)])
        centres = np.random.default_rng(1).normal(0, 0.3, (4, SIZE))
        values = centres[imageset.labels][:, None] + rng.normal(0, 1, (len(imageset), 1, SIZE))
        values = values * np.geomspace(0.1, 10, SIZE) + 5 + rng.normal(0, 0.1, (len(imageset), VIEWS, SIZE))
        return FeatureSet(Path(f"{name}.npy"), np.arange(len(imageset)), values.astype(np.float16))


FEATURES = Drawn(Path(), "drawn", SIZE, 0, "", {})


@pytest.fixture(scope="module", params=[2, 3])
def sets(request, colour_set):
    development, test, synthetic = (
        colour_set(count, classes=request.param, split=split)
        for count, split in ((40, "development"), (100, "test"), (40, "synthetic"))
    )
    return development, test, replace(synthetic, groups=np.array(["gan-0", "gan-1"])[np.arange(len(synthetic)) % 2])


def train(sets, folder, arm="real", replicates=6, **options):
    development, _, synthetic = sets
    given = {"seed": 0, "threads": 1} | options
    train_heads(development, synthetic, FEATURES, parse_arm(arm), replicates, models_folder=folder, **given)
    return json.loads((folder / "training.json").read_text())


def problem_of(classes, weights):
    rng = np.random.default_rng(3)
    rows, width = len(weights), 12
    labels = rng.integers(0, classes, rows)
    coordinates = rng.normal(0, np.geomspace(5, 0.1, width), (rows, width)) + 0.3 * labels[:, None]
    mean = weights.mean(1)
    centred = coordinates - mean @ coordinates
    variances, turn = np.linalg.eigh(centred.T @ (mean[:, None] * centred))
    targets = np.eye(classes)[labels] if classes > 2 else labels[:, None]
    rotated = (centred @ turn).astype(np.float32)
    return labels, Problem(rotated, variances, targets.astype(np.float32), weights.astype(np.float32))


@pytest.mark.parametrize("classes", [2, 4])
def test_all_heads_at_once_are_those_fitted_one_by_one(classes):
    weights = np.random.default_rng(0).integers(0, 4, (150, 3)).astype(float)
    weights[:, 2] *= np.arange(150) % 2
    weights /= weights.sum(0)
    labels, problem = problem_of(classes, weights)
    columns, penalties = np.array([0, 1, 2, 2]), np.array([0.3, 0.03, 0.01, 1.0])
    heads = fit_heads(problem, columns, penalties, 1e-6)
    for head, column, penalty in zip(heads, columns, penalties, strict=True):
        one = LogisticRegression(C=1 / penalty, tol=1e-8, max_iter=10_000)
        one.fit(problem.coordinates, labels, weights[:, column])
        wanted = np.vstack([one.coef_.T, one.intercept_])
        found = head - (head[-1:].mean() * (np.arange(len(head)) == len(head) - 1)[:, None] if classes > 2 else 0)
        wanted[-1] -= wanted[-1].mean() if classes > 2 else 0
        np.testing.assert_allclose(found, wanted, atol=1e-2)


def test_a_start_leads_to_the_same_heads():
    _, problem = problem_of(2, np.full((80, 1), 1 / 80))
    rough = fit_heads(problem, np.zeros(1, int), np.array([0.002]), 0.3)
    fresh = fit_heads(problem, np.zeros(1, int), np.array([0.002]), 1e-5)
    further = fit_heads(problem, np.zeros(1, int), np.array([0.002]), 1e-5, rough)
    assert np.abs(rough - fresh).max() > 1e-2
    np.testing.assert_allclose(further, fresh, atol=5e-3)


def test_axes_are_standardised_uncorrelated_and_lead_back_to_the_features():
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(50, 2, 4)) @ rng.normal(size=(4, 9)) * 3 + 7).astype(np.float32)
    weights = rng.random(50) / 25
    weights /= weights.sum()
    axes, coordinates = find_axes(lambda part: features[part], weights, 0)
    flat, share = coordinates.reshape(100, -1).astype(np.float64), np.repeat(weights / 2, 2)
    np.testing.assert_allclose(share @ flat, 0, atol=1e-5)
    np.testing.assert_allclose(flat.T @ (share[:, None] * flat), np.diag(axes.variances), atol=1e-4)
    assert axes.variances.sum() == pytest.approx(9, rel=1e-4)  # each of nine features has a variance of 1
    np.testing.assert_allclose(axes.project(features), coordinates, atol=1e-4)
    head = rng.normal(size=(1, coordinates.shape[2] + 1, 1)).astype(np.float32)
    there = coordinates[:, 0] @ head[0, :-1] + head[0, -1]
    back = axes.back(head)
    np.testing.assert_allclose(features[:, 0] @ back[0, :-1] + back[0, -1], there, atol=1e-3)


def test_models_and_predictions_are_what_later_stages_read(sets, tmp_path):
    development, test, _ = sets
    training = train(sets, tmp_path / "models")
    none = test.subset(slice(0))
    evaluate(tmp_path / "models", test, none, 0.9, tmp_path / "evaluation", threads=1, features=FEATURES)
    probabilities = np.load(tmp_path / "evaluation" / "probabilities.npy")
    validation = np.load(tmp_path / "models" / "validation.npy")
    assert probabilities.shape == (6, len(test), len(test.classes))
    np.testing.assert_allclose(probabilities.sum(2), 1, rtol=1e-5)
    assert np.mean(probabilities.mean(0).argmax(1) == test.labels) > 0.6
    for r in range(6):
        assert np.array_equal(~np.isnan(validation[r, :, 0]), development.validation_mask(r))
        assert training["replicates"][r]["penalty"] in PENALTIES
        losses = training["replicates"][r]["history"]["val_loss"]
        assert training["replicates"][r]["best_epoch"] == np.argmin(losses) + 1
    assert len({found.tobytes() for found in probabilities}) == 6  # the sixth has folds of its own
    heads = load_heads(tmp_path / "models", 6, SIZE, 1 if len(test.classes) == 2 else 3)
    features = FEATURES.open("development", development).of(np.arange(len(development)))[:, 0]
    again = heads.probabilities(features, 1)
    held_out = development.validation_mask(0)
    np.testing.assert_allclose(again[0, held_out], validation[0, held_out], atol=1e-3)


def test_validation_and_test_rows_are_not_learnt_from(sets, tmp_path):
    development, _, synthetic = sets
    train(sets, tmp_path / "plain", replicates=1)
    swapped = development.labels.copy()
    rows = np.flatnonzero(development.validation_mask(0))
    swapped[rows] = swapped[rows[::-1]]
    fixed = FEATURES.open("development", development)  # the same features, whatever the labels

    class Fixed(Drawn):
        def open(self, name, imageset):
            return fixed if name == "development" else super().open(name, imageset)

    strengths = []
    for labels in (development.labels, swapped):
        one = replace(development, labels=labels)
        features = Fixed(Path(), "drawn", SIZE, 0, "", {})
        train_heads(one, synthetic, features, parse_arm("real"), 1, 0, threads=1, models_folder=tmp_path / "one")
        strengths.append(
            (
                json.loads((tmp_path / "one/training.json").read_text())["replicates"][0],
                np.load(tmp_path / "one/heads.npy"),
            )
        )
    (plain, first), (other, second) = strengths
    assert plain["history"]["loss"] == other["history"]["loss"]  # of the training rows
    assert plain["history"]["val_loss"] != other["history"]["val_loss"]
    assert plain["penalty"] != other["penalty"] or np.array_equal(first, second)


@pytest.mark.parametrize(("arm", "count"), [("gan:10", 10), ("only-gan:20", 20), ("traditional+gan:10", 10)])
def test_every_kind_of_arm_trains(sets, tmp_path, arm, count):
    training = train(sets, tmp_path, arm, replicates=2)
    classes = len(sets[0].classes)
    real = 0 if arm.startswith("only") else 32
    assert training["training_images"] == classes * (real + count)
    assert set(training["synthetic_per_class"].values()) == {count}


def test_a_traditional_arm_needs_turned_views_of_its_own_images_alone(sets, tmp_path):
    class Unturned(Drawn):
        def open(self, name, imageset):
            found = super().open(name, imageset)
            return replace(found, values=found.values[:, :1]) if name == "synthetic" else found

    development, _, synthetic = sets
    given = (development, synthetic, Unturned(Path(), "drawn", SIZE, 0, "", {}))
    train_heads(*given, parse_arm("traditional"), 1, 0, threads=1, models_folder=tmp_path)
    with pytest.raises(InputError, match=r"synthetic\.npy: holds 1 views an image, 8 are needed"):
        train_heads(*given, parse_arm("traditional+gan:5"), 1, 0, threads=1, models_folder=tmp_path)


def test_turned_views_count_as_one_image(sets, tmp_path):
    plain, turned = (train(sets, tmp_path / arm, arm, replicates=1) for arm in ("real", "traditional"))
    assert plain["training_images"] == turned["training_images"]
    plain, turned = (np.load(tmp_path / arm / "heads.npy") for arm in ("real", "traditional"))
    assert not np.array_equal(plain, turned)
    assert np.corrcoef(plain[0, :-1, 0], turned[0, :-1, 0])[0, 1] > 0.7


def test_the_same_seed_gives_the_same_bits(sets, tmp_path):
    for name in ("one", "two"):
        train(sets, tmp_path / name, "gan:10", replicates=3)
    assert (tmp_path / "one/heads.npy").read_bytes() == (tmp_path / "two/heads.npy").read_bytes()


def test_probabilities_of_two_classes_are_those_of_the_positive_one():
    logits = np.array([[-90.0], [0.0], [2.0], [100.0]])
    expected = 1 / (1 + np.exp(-logits[:, 0]))
    np.testing.assert_allclose(probabilities_of(logits, 1)[:, 1], expected, rtol=1e-5)
    np.testing.assert_allclose(probabilities_of(logits, 0)[:, 0], expected, rtol=1e-5)
    assert cross_entropy(logits[:, None], np.ones((4, 1)))[:2, 0] == pytest.approx([90, np.log(2)])


def test_broken_heads_are_refused(sets, tmp_path):
    _, test, _ = sets
    train(sets, tmp_path, replicates=2)
    with pytest.raises(InputError, match="there are none of the test set"):
        evaluate(tmp_path, test, test.subset(slice(0)), 0.9, tmp_path / "out", threads=1)
    np.save(tmp_path / "heads.npy", np.zeros((2, 3, 1), np.float32))
    with pytest.raises(InputError, match=r"heads\.npy: holds float32 \(2, 3, 1\), expected float32 \(2, 31, "):
        evaluate(tmp_path, test, test.subset(slice(0)), 0.9, tmp_path / "out", threads=1, features=FEATURES)
    (tmp_path / "heads.npy").write_bytes(b"no")
    with pytest.raises(InputError, match=r"heads\.npy: not a packed array of heads"):
        load_heads(tmp_path, 2, SIZE, 1)
    assert logits_of(np.ones((2, 3)), np.ones((4, 4, 1))).shape == (2, 4, 1)
    assert Heads(np.ones((1, 3, 1))).probabilities(np.ones((2, 2)), 1).shape == (1, 2, 2)
