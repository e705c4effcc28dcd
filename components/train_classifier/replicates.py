"""Trains replicates of one arm, one after the other on one network."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from components.classifiers.build import networks_of
from components.classifiers.network import class_probabilities, weights_of
from components.classifiers.runtime import use_threads
from components.contracts.arms import Arm
from components.contracts.classifier import Classifier
from components.contracts.errors import InputError
from components.contracts.imageset import ImageSet
from components.contracts.pixels import taken
from components.train_classifier.fit import Fitter, Pixels, hits_of, losses_of, outputs_of
from components.train_classifier.mix import training_rows
from components.train_classifier.share import SharedWork


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


@dataclass(frozen=True)
class Training:
    """What the replicates of an arm have in common; `file` is the user's, of the model or its weights."""

    development: ImageSet
    synthetic: ImageSet | None
    arm: Arm
    seed: int
    settings: ClassifierSettings
    classifier: Classifier
    file: Path | None
    threads: int
    models_folder: Path
    on_gpu: bool = False


def train_replicates(
    training: Training,
    replicates: Iterable[int],
    work: SharedWork,
    say: Callable[[bool, dict[str, float]], None] = lambda last, figures: None,
) -> dict[str, int]:
    """Train some replicates of an arm (see `train.train_classifier`), and leave in `work` what was found of them.

    Writes replicate-<r>.keras of each, and calls `say` after every epoch: whether it was the replicate's last, and its
    figures. Returns how many weights the network has. Raises InputError if the arm can't be mixed (see
    `mix.training_rows`) or a training diverges.
    """
    use_threads(training.threads, on_gpu=training.on_gpu)
    development, synthetic, settings = training.development, training.synthetic, training.settings
    positive = development.classes.index(development.positive_class)
    networks = networks_of(
        training.classifier, training.file, development.image_size, len(development.classes), settings.dropout
    )
    fitter = Fitter(networks, settings.learning_rate, settings.batch_size, augmented=training.arm.traditional)
    for r in replicates:

        def tell(epochs: int, figures: dict[str, float], r: int = r) -> None:
            work.tell(r, epochs)
            say(epochs == settings.epochs, figures)

        mixed = training_rows(development, synthetic, training.arm, r)
        held_out = development.validation_mask(r)
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
        best, history = _fit(fitter, learnt, validation_rows, training.seed + r, settings, tell)
        networks.probabilities.set_weights(best.weights)
        _save_network(training.models_folder / f"replicate-{r}.keras", networks.probabilities)
        about = {
            "seed": training.seed + r,
            "fold": r % (int(development.folds.max()) + 1),
            "generator": mixed.generator,
            "training_images": len(mixed.labels),
            "epochs_run": len(history["loss"]),
            "best_epoch": best.epoch,
            "history": history,
        }
        work.leave(r, about, mixed.synthetic_per_class, class_probabilities(best.outputs, positive))
    return weights_of(networks)


def _fit(
    fitter: Fitter,
    training_rows: tuple[Pixels, np.ndarray, np.ndarray],
    validation_rows: tuple[Pixels, np.ndarray],
    seed: int,
    settings: ClassifierSettings,
    tell: Callable[[int, dict[str, float]], None],
) -> tuple[Best, dict[str, list[float]]]:
    """Fit one replicate from scratch; return the best epoch and the history.

    Rows are (pixels, targets), for training with weights, as `Fitter` takes them. `tell` is told after every epoch how
    many are done, all that are planned where the training ends before.
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
        figures = {"loss": loss, "val_loss": val_loss, "val_accuracy": val_accuracy}
        tell(settings.epochs if last else epoch, figures)
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


def _save_network(path: Path, network: keras.Model) -> None:
    part = path.with_name(f".{path.name}")  # Keras insists on the ending
    network.save(part)
    part.replace(path)
