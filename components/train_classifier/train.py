"""Trains the classifiers of one arm: every replicate in one process, on one network."""

import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.classifiers.build import networks_of
from components.classifiers.network import class_probabilities, weights_of
from components.classifiers.runtime import use_threads
from components.contracts.arms import Arm
from components.contracts.classifier import Classifier
from components.contracts.errors import InputError
from components.contracts.files import fresh_folder, whole_file, write_json
from components.contracts.imageset import ImageSet
from components.contracts.pixels import taken
from components.contracts.progress import report
from components.train_classifier.fit import Fitter, Pixels, hits_of, losses_of, outputs_of
from components.train_classifier.mix import training_rows


@dataclass(frozen=True)
class ClassifierSettings:
    """How a classifier is trained.

    `patience` is the number of epochs without a better validation loss after which a replicate stops (0: never);
    `dropout` the share of values dropped, 0..1; `learning_rate` that of Adam.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    dropout: float
    patience: int


@dataclass(frozen=True)
class Best:
    """The epoch (from 1) of a replicate with the lowest validation loss; its weights and validation outputs."""

    epoch: int
    loss: float
    weights: list[np.ndarray]
    outputs: np.ndarray


def train_classifier(
    development: ImageSet,
    synthetic: ImageSet | None,
    arm: Arm,
    replicates: int,
    seed: int,
    settings: ClassifierSettings,
    classifier: Classifier,
    file: Path | None = None,
    *,
    threads: int,
    models_folder: str | Path,
    on_gpu: bool = False,
) -> None:
    """Train `replicates` classifiers of an arm and write them afresh into `models_folder`.

    `classifier` says what is trained; `file` is the user's, of the model or its weights.

    Replicate r has the seed `seed` + r, validates on its fold of the development set and keeps the weights of the epoch
    with the lowest validation loss (the earliest of equals). A traditional arm augments its training images anew each
    epoch, real and synthetic ones alike: were only one kind varied, the network could tell the two apart. Written are:

        replicate-<r>.keras     the network; its outputs are probabilities
        training.json           what each replicate learnt from, and its loss and accuracy epoch by epoch
        validation.npy          float32, R x N x C: class probabilities of the development rows the replicate validates
                                on, NaN for all others
        development_labels.npy  int64, N

    The same seed and number of threads give the same weights, bit for bit, on the CPU. Raises InputError if an
    arm can't be mixed (see `mix.training_rows`) or a training diverges.
    """
    start = time.monotonic()
    use_threads(threads, on_gpu=on_gpu)
    models_folder = fresh_folder(models_folder)
    positive = development.classes.index(development.positive_class)
    networks = networks_of(classifier, file, development.image_size, len(development.classes), settings.dropout)
    fitter = Fitter(networks, settings.learning_rate, settings.batch_size, augmented=arm.traditional)
    validation = np.full((replicates, len(development), len(development.classes)), np.nan, np.float32)
    trained: list[dict[str, Any]] = []
    synthetic_per_class: list[dict[str, int]] = []
    for r in range(replicates):
        mixed = training_rows(development, synthetic, arm, r)
        held_out = development.validation_mask(r)
        progress = _Progress(arm.name, r, replicates, settings.epochs)
        learnt = (
            partial(mixed.images, development, synthetic),
            _targets(mixed.labels, development),
            mixed.weights,
        )
        held_out_rows = np.flatnonzero(held_out)
        validation_rows = (
            partial(_images_of, development, held_out_rows),
            _targets(development.labels[held_out], development),
        )
        best, history = _fit(fitter, learnt, validation_rows, seed + r, settings, progress)
        validation[r, held_out] = class_probabilities(best.outputs, positive)
        networks.probabilities.set_weights(best.weights)
        _save_network(models_folder / f"replicate-{r}.keras", networks.probabilities)
        synthetic_per_class.append(mixed.synthetic_per_class)
        trained.append(
            {
                "seed": seed + r,
                "fold": r % (int(development.folds.max()) + 1),
                "generator": mixed.generator,
                "training_images": len(mixed.labels),
                "epochs_run": len(history["loss"]),
                "best_epoch": best.epoch,
                "history": history,
            }
        )
    _save_array(models_folder / "validation.npy", validation)
    _save_array(models_folder / "development_labels.npy", development.labels)
    write_json(
        models_folder / "training.json",
        {
            "arm": arm.name,
            "classifier": {**asdict(classifier), **weights_of(networks)},
            "classes": list(development.classes),
            "positive_class": development.positive_class,
            "synthetic_per_class": synthetic_per_class[0],
            "training_images": trained[0]["training_images"],
            "replicates": trained,
            "seconds": time.monotonic() - start,
        },
    )


def _fit(
    fitter: Fitter,
    training_rows: tuple[Pixels, np.ndarray, np.ndarray],
    validation_rows: tuple[Pixels, np.ndarray],
    seed: int,
    settings: ClassifierSettings,
    progress: "_Progress",
) -> tuple[Best, dict[str, list[float]]]:
    """Fit one replicate from scratch; return the best epoch and the history.

    Rows are (pixels, targets), for training with weights, as `Fitter` takes them.
    """
    fitter.restart(seed)
    rng = np.random.default_rng([seed, 2])
    pixels, *learnt = training_rows
    targets, weights = map(tf.constant, learnt)
    held_out_pixels, held_out_targets = validation_rows[0], tf.constant(validation_rows[1])
    history: dict[str, list[float]] = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
    best = Best(0, np.inf, [], np.empty(0))
    for epoch in range(1, settings.epochs + 1):
        order = rng.permutation(len(targets))
        loss, accuracy = fitter.epoch(pixels, targets, weights, order, int(rng.integers(2**31)))
        logits = fitter.logits(held_out_pixels, len(held_out_targets))
        val_loss = float(tf.reduce_mean(losses_of(logits, held_out_targets)))
        val_accuracy = float(np.mean(hits_of(logits, held_out_targets)))
        for series, value in zip(history.values(), (loss, accuracy, val_loss, val_accuracy), strict=True):
            series.append(value)
        if not np.isfinite([loss, val_loss]).all():
            raise InputError("classifier_learning_rate: the training diverged, its loss is not finite; make it smaller")
        if val_loss < best.loss:
            best = Best(epoch, val_loss, fitter.network.get_weights(), outputs_of(logits).numpy())
        last = epoch == settings.epochs or 0 < settings.patience <= epoch - best.epoch
        progress.say(settings.epochs if last else epoch, last, loss=loss, val_loss=val_loss, val_accuracy=val_accuracy)
        if last:
            break
    return best, history


def _images_of(imageset: ImageSet, rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    return taken(imageset.images, rows[places])


def _targets(labels: np.ndarray, development: ImageSet) -> np.ndarray:
    """Return the targets (int64, N) of labels, as `Fitter` takes them."""
    if len(development.classes) > 2:
        return labels
    return (labels == development.classes.index(development.positive_class)).astype(np.int64)


class _Progress:
    """Says how many epochs of all replicates are done: once a second at most, and when a replicate ends."""

    def __init__(self, arm: str, replicate: int, replicates: int, epochs: int) -> None:
        self.arm, self.before, self.planned = arm, replicate * epochs, replicates * epochs
        self.said = -np.inf

    def say(self, epochs_done: int, last: bool, **figures: float) -> None:
        if last or time.monotonic() - self.said >= 1:
            report("train_classifier", self.arm, self.before + epochs_done, self.planned, "epochs", **figures)
            self.said = time.monotonic()


def _save_network(path: Path, network: keras.Model) -> None:
    part = path.with_name(f".{path.name}")  # Keras insists on the ending
    network.save(part)
    part.replace(path)


def _save_array(path: Path, array: np.ndarray) -> None:
    with whole_file(path) as part, part.open("wb") as file:
        np.save(file, array, allow_pickle=False)
