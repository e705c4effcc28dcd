"""Trains the classifiers of one arm: its replicates, shared out among this process and helpers."""

import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from components.contracts.arms import Arm
from components.contracts.classifier import Classifier
from components.contracts.files import fresh_folder, whole_file, write_json
from components.contracts.imageset import ImageSet
from components.contracts.progress import report
from components.train_classifier.helpers import Helpers, Job
from components.train_classifier.replicates import ClassifierSettings, Training, train_replicates
from components.train_classifier.share import SharedWork

SECONDS_BETWEEN_LOOKS = 0.2


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
    helped_with: Job | None = None,
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

    `helped_with` tells helpers where all this is, for processes of their own to train some of the replicates as long as
    processors are idle; None does without. The same seed and number of threads give the same weights, bit for bit, on
    the CPU, with however many helpers. Raises InputError if an arm can't be mixed (see `mix.training_rows`) or a
    training diverges, and RuntimeError if a helper ends before its work.
    """
    start = time.monotonic()
    models_folder = fresh_folder(models_folder)
    training = Training(
        development, synthetic, arm, seed, settings, classifier, file, threads, models_folder, on_gpu=on_gpu
    )
    with tempfile.TemporaryDirectory() as folder:
        work = SharedWork(Path(folder), replicates)
        progress = _Progress(arm.name, work, replicates * settings.epochs)
        with Helpers(helped_with, work) as helpers:

            def say(last: bool, figures: dict[str, float]) -> None:
                progress.say(last, **figures)
                helpers.look()

            weights = train_replicates(training, work.claims(), work, say)
            while helpers.working():
                progress.say(False)
                time.sleep(SECONDS_BETWEEN_LOOKS)
            progress.say(True)
        found = [work.found(r) for r in range(replicates)]
    validation = np.full((replicates, len(development), len(development.classes)), np.nan, np.float32)
    trained: list[dict[str, Any]] = []
    for r, (about, _, probabilities) in enumerate(found):
        validation[r, development.validation_mask(r)] = probabilities
        trained.append(about)
    _save_array(models_folder / "validation.npy", validation)
    _save_array(models_folder / "development_labels.npy", development.labels)
    write_json(
        models_folder / "training.json",
        {
            "arm": arm.name,
            "classifier": {**asdict(classifier), **weights},
            "classes": list(development.classes),
            "positive_class": development.positive_class,
            "synthetic_per_class": found[0][1],
            "training_images": trained[0]["training_images"],
            "replicates": trained,
            "seconds": time.monotonic() - start,
        },
    )


class _Progress:
    """Says how many epochs of all replicates are done: once a second at most, and when a replicate of ours ends."""

    def __init__(self, arm: str, work: SharedWork, planned: int) -> None:
        self.arm, self.work, self.planned = arm, work, planned
        self.said, self.told = -np.inf, 0

    def say(self, last: bool, **figures: float) -> None:
        done = self.work.epochs()
        if done > self.told and (last or time.monotonic() - self.said >= 1):
            report("train_classifier", self.arm, done, self.planned, "epochs", **figures)
            self.said, self.told = time.monotonic(), done


def _save_array(path: Path, array: np.ndarray) -> None:
    with whole_file(path) as part, part.open("wb") as file:
        np.save(file, array, allow_pickle=False)
