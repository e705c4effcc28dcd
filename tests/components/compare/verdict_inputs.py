"""Inputs of a verdict, simulated: a test set, evaluations as `evaluate` writes them, the reports of other stages."""

from pathlib import Path
from typing import Any

import numpy as np
from classifiers_told import PAPER

from components.compare.evaluations import Evaluation
from components.contracts.files import write_json
from components.contracts.imageset import ImageSet
from components.contracts.metrics import confusion_matrix, per_class, scores

PARAMETERS: dict[str, Any] = {
    "data_set": "simulated",
    "replicates": 3,
    "replicates_why": "",
    "gan_replicates": 1,
    "seed": 0,
    "confidence": 0.95,
    "sensitivity_margin": 0.02,
    "target_sensitivity": 0.9,
    "endpoint": "balanced_accuracy",
    "endpoint_specificity": 0.9,
    "bootstrap_resamples": 200,
}


def image_set(labels, classes, split="test", groups=None, paths=None, size=32) -> ImageSet:
    count = len(labels)
    images = np.random.default_rng([*split.encode()]).integers(0, 256, (count, size, size, 3)).astype(np.uint8)
    names = [f"{split}/{classes[label]}/{i:04}.png" for i, label in enumerate(labels)] if paths is None else paths
    return ImageSet(
        name="simulated",
        notice="",
        classes=tuple(classes),
        images=images,
        paths=np.array(names),
        labels=np.asarray(labels, dtype=np.int64),
        splits=np.full(count, split),
        folds=np.full(count, -1),
        groups=np.array(names if groups is None else groups),
        sha256=np.array([f"{i:064x}" for i in range(count)]),
    )


def synthetic_set(classes, per_class=50, gans=1, size=32) -> ImageSet:
    rows = [(c, g, i) for c in range(len(classes)) for g in range(gans) for i in range(per_class)]
    return image_set(
        [c for c, _, _ in rows],
        classes,
        "synthetic",
        groups=[f"gan-{g}" for _, g, _ in rows],
        paths=[f"{classes[c]}/gan-{g}/{i:06}" for c, g, i in rows],
        size=size,
    )


def probabilities(labels, classes, skill=1.3, replicates=3, seed=0) -> np.ndarray:
    """Return simulated class probabilities (float32, R x N x C); all arms share their images' difficulty."""
    count = len(classes)
    logit = skill * np.eye(count)[labels] + np.random.default_rng(1).normal(0, 0.7, (len(labels), count))
    logit = logit + np.random.default_rng(seed).normal(0, 0.4, (replicates, len(labels), count))
    p = np.exp(1.5 * logit)
    return (p / p.sum(axis=2, keepdims=True)).astype(np.float32)


def evaluation(arm, p, labels, classes, positive, synthetic=0, gans=1) -> Evaluation:
    replicates = []
    for r, predicted in enumerate(p):
        confusion = confusion_matrix(predicted, labels, positive)
        replicates.append(
            {
                "seed": r,
                "generator": f"gan-{r % gans}" if synthetic else "",
                "training_images": 500 + 2 * synthetic,
                "epochs_run": 9,
                "best_epoch": 7,
                "threshold": 0.4,
            }
            | {name: float(value[0]) for name, value in scores(predicted, labels, positive).items()}
            | {"per_class": per_class(confusion, classes), "confusion_matrix": confusion.tolist()}
        )
    return Evaluation(arm, p, dict.fromkeys(classes, synthetic), 500 + 2 * synthetic, replicates, PAPER)


def write_evaluation(folder: Path, found: Evaluation, test: ImageSet, positive_class: str) -> Path:
    folder.mkdir()
    np.save(folder / "probabilities.npy", found.probabilities, allow_pickle=False)
    np.save(folder / "external.npy", found.probabilities[:, :0], allow_pickle=False)
    history = {"loss": [1.0], "accuracy": [0.5], "val_loss": [1.0], "val_accuracy": [0.5]}
    about = {
        "arm": found.arm,
        "classes": list(test.classes),
        "positive_class": positive_class,
        "synthetic_per_class": found.synthetic_per_class,
        "training_images": found.training_images,
        "classifier": found.classifier,
        "test_set_digest": test.digest(),
        "external_set_digest": test.subset(slice(0)).digest(),
        "replicates": [each | {"history": history} for each in found.replicates],
    }
    write_json(folder / "evaluation.json", about)
    return folder


def plan(arms, positive_class="malignant", **changed) -> dict[str, Any]:
    return {
        "gansweep_version": "0.1.0",
        "code_digest": "c" * 64,
        "parameters": PARAMETERS | {"arms": list(arms)} | changed,
        "positive_class": positive_class,
        "gan_cells": [],
        "arms": list(arms),
    }


def data_report(test: ImageSet) -> dict[str, Any]:
    leaks = {"test_images": 0, "development_images": 0, "by_group_table": 0, "by_near_duplicate": 0, "dropped": 0}
    return {
        "name": "simulated",
        "notice": "Simulated.",
        "digest": "d" * 64,
        "classes": list(test.classes),
        "counts": {"development": dict.fromkeys(test.classes, 250), "test": test.counts()},
        "refused": [{"path": "a.png", "reason": "empty"}],
        "leaks": leaks | {"policy": "drop"},
        "external_test_sets": [],
    }


def audit(classes) -> dict[str, Any]:
    figures = dict.fromkeys(("kid", "kid_std", "fid", "precision", "recall", "density", "coverage"), 0.5)
    pair = {"synthetic_path": "a", "real_path": "b", "distance": 0.1, "picture": "iVBOR"}
    return {
        "features": "small encoder",
        "quality": [
            {"class": c, "generator": "gan-0", **figures, "floor": figures, "real_images": 50, "synthetic_images": 50}
            for c in classes
        ],
        "memorisation": [
            {"class": c, "generator": "gan-0", "share_closer_to_training": 0.5, "interval": [0.4, 0.6], "flagged": 0}
            | {"control": {"share": 0.5, "interval": [0.4, 0.6]}, "distinct_images": 50}
            | {"share_closer_to_test": 0.5, "test_interval": [0.4, 0.6], "test_p_value": 1.0}
            | {"flag_threshold": 0.01, "synthetic_images": 50, "closest": [pair]}
            for c in classes
        ],
    }


def copies(classes, sources=("gan",), found=0, kept=0) -> dict[str, Any]:
    """Return copies.json of 50 pictures a class and source, of which `found` are near-copies and `kept` stay."""
    return {
        "real_images": 500,
        "real_flagged": 5,
        "generators": [
            {"source": source, "generator": f"{source}-0", "class": c, "images": 50, "copies": found, "pairs": []}
            | {"left_out": found - kept}
            for c in classes
            for source in sources
        ],
        "external": {},
    }


def fidelity(classes, sources=("gan",), share=0.7, images=200) -> list[dict[str, Any]]:
    """Return what the classifiers of real take images for: of real ones 90% for their class, of others `share`."""
    return [
        {"class": c, "generator": generator, "images": images, "deviation": 0.02}
        | {"taken_for": {each: right if each == c else (1 - right) / (len(classes) - 1) for each in classes}}
        for generator, right in [("", 0.9), *((f"{source}-0", share) for source in sources)]
        for c in classes
    ]


def gans(classes) -> list[dict[str, Any]]:
    return [
        {"class": c, "replicate": 0, "seed": 0, "epochs": 5, "updates": 1000, "images": 200, "images_per_second": 99.5}
        | {"final": {"loss_d": 0.5, "loss_g": 1.5}, "image_size": 32, "precision": "float32"}
        for c in classes
    ]
