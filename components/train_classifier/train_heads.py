"""Trains the heads of one arm on features: all replicates and all strengths of the penalty at once."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from components.classifiers.heads import Heads, probabilities_of, save_heads
from components.contracts.arms import Arm
from components.contracts.classifier import PRETRAINED, Classifier
from components.contracts.features import VIEWS, Features
from components.contracts.files import fresh_folder, whole_file, write_json
from components.contracts.imageset import ImageSet
from components.contracts.progress import report
from components.train_classifier.axes import CHUNK, find_axes
from components.train_classifier.mix import TrainingRows, training_rows
from components.train_classifier.solve import Problem, cross_entropy, fit_heads, logits_of

PENALTIES = 10.0 ** np.arange(1, -2.5, -0.5)  # 10 to 0.01: from almost nothing learnt to almost all
ROUGHLY, EXACTLY = 1e-2, 1e-4  # what is left of a gradient as penalties are compared, and of the chosen heads'


def train_heads(
    development: ImageSet,
    synthetic: ImageSet,
    features: Features,
    arm: Arm,
    replicates: int,
    seed: int,
    *,
    threads: int,
    models_folder: str | Path,
) -> None:
    """Train `replicates` heads of an arm and write them afresh into `models_folder`, as `train_classifier` does.

    A head is a logistic regression on standardised features. Each replicate has rows of its own, and of seven strengths
    of the penalty takes the one with the lowest loss on its validation rows. A traditional arm's loss is the mean over
    the eight flips and turns of each image: what drawing among them would come to, and the same bits for the same
    images. Written are heads.npy, and training.json, validation.npy and development_labels.npy as
    `train.train_classifier` writes them; the "epochs" of the history are the penalties, from the strongest on.

    Raises InputError if an arm can't be mixed (see `mix.training_rows`) or lacks features.
    """
    start = time.monotonic()
    folder = fresh_folder(models_folder)
    positive = development.classes.index(development.positive_class)
    mixed = [training_rows(development, synthetic, arm, r) for r in range(replicates)]
    held_out = np.stack([development.validation_mask(r) for r in range(replicates)])
    with threadpool_limits(threads):
        real, made = features.open("development", development), features.open("synthetic", synthetic)
        views = VIEWS if arm.traditional else 1
        rows, weights = _pool(mixed, len(development), len(synthetic))
        count = int(np.searchsorted(rows, len(development)))  # so many of them are real

        def read(part: slice) -> np.ndarray:
            chosen = rows[part]
            places = chosen[chosen < len(development)], chosen[chosen >= len(development)] - len(development)
            return np.concatenate([real.of(places[0], views), made.of(places[1], views)])

        axes, coordinates = find_axes(read, weights.mean(axis=1), seed)
        report("train_classifier", arm.name, 1, 3, "steps")
        labels = np.concatenate([development.labels[rows[:count]], synthetic.labels[rows[count:] - len(development)]])
        problem = Problem(
            coordinates.reshape(-1, coordinates.shape[2]),
            axes.variances,
            np.repeat(_targets(labels, development), views, axis=0),
            np.repeat(weights / views, views, axis=0),
        )
        parts = np.array_split(np.arange(len(development)), 1 + len(development) // CHUNK)
        of_all = np.concatenate([axes.project(real.of(part)[:, 0]) for part in parts])
        columns, penalties = np.repeat(np.arange(replicates), len(PENALTIES)), np.tile(PENALTIES, replicates)
        path = fit_heads(problem, columns, penalties, ROUGHLY)
        report("train_classifier", arm.name, 2, 3, "steps")
        history = _history(logits_of(of_all, path), development, mixed, held_out)
        chosen = np.array([np.argmin(one["val_loss"]) for one in history])
        places = np.arange(replicates) * len(PENALTIES) + chosen
        heads = fit_heads(problem, columns[places], penalties[places], EXACTLY, path[places])
        save_heads(folder, Heads(axes.back(heads)))
        validation = np.moveaxis(probabilities_of(logits_of(of_all, heads), positive), 1, 0)
    validation[~held_out] = np.nan
    _save_array(folder / "validation.npy", np.ascontiguousarray(validation))
    _save_array(folder / "development_labels.npy", development.labels)
    trained: list[dict[str, Any]] = [
        {
            "seed": seed + r,
            "fold": r % (int(development.folds.max()) + 1),
            "generator": mixed[r].generator,
            "training_images": len(mixed[r].labels),
            "epochs_run": len(PENALTIES),
            "best_epoch": int(chosen[r]) + 1,
            "penalty": float(PENALTIES[chosen[r]]),
            "history": history[r],
        }
        for r in range(replicates)
    ]
    learnt = (features.dimensions + 1) * problem.targets.shape[1]
    write_json(
        folder / "training.json",
        {
            "arm": arm.name,
            "classifier": {
                **asdict(Classifier(PRETRAINED, PRETRAINED, "head", "weights", sha256=features.weights_sha256)),
                "weights": features.weights + learnt,
                "trainable_weights": learnt,
            },
            "features": features.extractor,
            "classes": list(development.classes),
            "positive_class": development.positive_class,
            "synthetic_per_class": mixed[0].synthetic_per_class,
            "training_images": trained[0]["training_images"],
            "replicates": trained,
            "seconds": time.monotonic() - start,
        },
    )
    report("train_classifier", arm.name, 3, 3, "steps")


def _pool(mixed: list[TrainingRows], real_count: int, synthetic_count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that any replicate learns from (int64 [M], synthetic ones counted on from the real ones).

    Beside them the weight of each in each replicate, float32 [M, R], summing to 1 in every replicate.
    """
    counts = np.zeros((real_count + synthetic_count, len(mixed)))
    for r, learnt in enumerate(mixed):
        np.add.at(counts[:, r], np.concatenate([learnt.real, learnt.synthetic + real_count]), learnt.weights)
    rows = np.flatnonzero(counts.any(axis=1))
    return rows, (counts[rows] / counts.sum(axis=0)).astype(np.float32)


def _targets(labels: np.ndarray, development: ImageSet) -> np.ndarray:
    """Return the targets (float32 [N, K]) of labels, as `Problem` takes them."""
    if len(development.classes) > 2:
        return np.eye(len(development.classes), dtype=np.float32)[labels]
    return (labels == development.classes.index(development.positive_class)).astype(np.float32)[:, None]


def _history(
    logits: np.ndarray, development: ImageSet, mixed: list[TrainingRows], held_out: np.ndarray
) -> list[dict[str, list[float]]]:
    """Return each replicate's loss and accuracy on its real training and its validation rows, penalty by penalty.

    `logits` [N, R * P, K] are those of all development rows. An arm without real images has no training figures.
    """
    targets = _targets(development.labels, development)
    losses = cross_entropy(logits, targets)
    if logits.shape[2] == 1:
        hits = (logits[:, :, 0] >= 0) == (targets > 0)
    else:
        hits = logits.argmax(axis=2) == development.labels[:, None]
    found = []
    for r, rows in enumerate(mixed):
        part = slice(r * len(PENALTIES), (r + 1) * len(PENALTIES))
        kinds = {"": rows.real, "val_": np.flatnonzero(held_out[r])}
        found.append(
            {
                kind + name: values[places, part].mean(axis=0).tolist()
                for kind, places in kinds.items()
                if len(places)
                for name, values in (("loss", losses), ("accuracy", hits))
            }
        )
    return found


def _save_array(path: Path, array: np.ndarray) -> None:
    with whole_file(path) as part, part.open("wb") as file:
        np.save(file, array, allow_pickle=False)
