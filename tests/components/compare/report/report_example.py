"""Simulated inputs of the report: a finished experiment of any number of classes and arms, without any training."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from audit_example import audit_example
from classifiers_told import PAPER
from example_pictures import external_reports, external_set, image_set, png

from components.compare.evaluations import load_evaluations
from components.compare.ledger import Change, find_changes
from components.compare.report.report import write_report
from components.compare.verdict_file import build_verdict
from components.contracts.arms import parse_arm
from components.contracts.files import read_json, write_json
from components.contracts.imageset import ImageSet
from components.contracts.metrics import confusion_matrix, per_class, scores

NOTICE = "Made from phantoms: procedural pictures for demonstration and tests. Nothing here is medical evidence."

PARAMETERS: dict[str, Any] = {
    "endpoint": "balanced_accuracy",
    "endpoint_specificity": 0.9,
    "data_set": "phantoms",
    "validation_share": 0.2,
    "on_leak": "drop",
    "replicates": 3,
    "replicates_why": "",
    "gan_replicates": 1,
    "seed": 0,
    "gan_size": 0,
    "gan_updates": 400,
    "gan_epochs": 0,
    "gan_batch_size": 128,
    "gan_learning_rate": 0.0002,
    "gan_latent": 100,
    "gan_width": 32,
    "node_selector": {},
    "classifier": "paper",
    "classifier_epochs": 25,
    "classifier_batch_size": 32,
    "classifier_learning_rate": 0.001,
    "classifier_dropout": 0.25,
    "confidence": 0.95,
    "sensitivity_margin": 0.02,
    "target_sensitivity": 0.9,
}


@dataclass(frozen=True)
class Inputs:
    """What `write_report` takes besides the verdict and the ledger; `folder` holds the artifacts' folders."""

    folder: Path
    data_report: dict[str, Any]
    audit: dict[str, Any]
    synthetic_report: Path
    evaluations: list[Path]
    test: ImageSet
    synthetic: ImageSet
    development: ImageSet
    external: ImageSet


def example_inputs(
    folder: Path,
    classes: tuple[str, ...] = ("benign", "malignant"),
    arms: tuple[str, ...] = ("real", "gan:120", "gan:480"),
    positive: str = "malignant",
    test_per_class: int = 40,
    replicates: int = 3,
    size: int = 32,
    updates: int = 2000,
    name: str = "phantoms",
    external_per_class: int = 0,
) -> Inputs:
    """Return the inputs of a simulated run; predictions get a little sharper with more synthetic images.

    With `external_per_class` there are two external test sets, one of which lacks the last class if there are three.
    """
    common = {"name": name, "notice": NOTICE, "positive_class": positive}
    counts = [test_per_class + 4 * c for c in range(len(classes))]
    test = image_set("test", classes, counts, size, 1, **common)
    development = image_set("development", classes, [4 * n for n in counts], size, 2, **common)
    dose = max(_doses(arm) for arm in arms)
    synthetic = image_set("synthetic", classes, [dose] * len(classes), size, 3, **common)
    external = external_set(classes, external_per_class, size, **common)
    evaluations = [
        _evaluation(folder / f"evaluation-{i}", arm, test, external, development, replicates, i)
        for i, arm in enumerate(arms)
    ]
    curves = folder / "synthetic_report"
    audit = audit_example(curves, development, synthetic if dose else None, updates, external.by_split())
    report = data_report(test, development) | {"external_test_sets": external_reports(external)}
    return Inputs(folder, report, audit, curves, evaluations, test, synthetic, development, external)


def example_verdict(inputs: Inputs, resamples: int = 100) -> tuple[dict[str, Any], list[Change]]:
    """Return the verdict and the ledger that `compare` finds for `inputs`."""
    test, external = inputs.test, inputs.external
    arms = [read_json(folder / "evaluation.json")["arm"] for folder in inputs.evaluations]
    plan = {
        "gansweep_version": "0.1.0",
        "code_digest": "ab" * 32,
        "parameters": {**PARAMETERS, "arms": arms, "image_size": test.image_size, "bootstrap_resamples": resamples},
        "positive_class": test.positive_class,
    }
    evaluations = load_evaluations(inputs.evaluations, arms, test, external, test.positive_class)
    gans = [read_json(path) for path in sorted(inputs.synthetic_report.glob("gans/*/gan.json"))]
    copies = read_json(inputs.synthetic_report / "copies.json")
    verdict = build_verdict(
        plan, evaluations, test, external, inputs.data_report, inputs.audit, copies, gans, fidelity(test.classes)
    )
    return verdict, find_changes(evaluations, test, inputs.synthetic, test.positive_class)


def fidelity(classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return what the classifiers of real take real and synthetic images for."""
    return [
        {"class": name, "generator": generator, "images": 300, "deviation": 0.02}
        | {"taken_for": {each: right if each == name else (1 - right) / (len(classes) - 1) for each in classes}}
        for generator, right in (("", 0.88), ("gan-0", 0.71))
        for name in classes
    ]


def data_report(test: ImageSet, development: ImageSet) -> dict[str, Any]:
    """Return a data report with some of everything in it."""
    a, b = (str(path) for path in development.paths[:2])
    pair = {"a": f"train/{a}", "b": f"test/{b}", "correlation": 0.9987, "across_splits": True, "same_label": True}
    strip = np.concatenate([development.images[0], development.images[1]], axis=1)
    return {
        "name": test.name,
        "notice": test.notice,
        "digest": "5e" * 32,
        "classes": list(test.classes),
        "counts": {"development": development.counts(), "test": test.counts()},
        "files": len(test) + len(development) + 2,
        "refused": [
            {"path": "train/benign/broken.jpg", "reason": "truncated: the picture ends before its last row"},
            {"path": "train/malignant/notes.txt", "reason": "not an image"},
        ],
        "converted": {"CMYK to RGB": 3, "16-bit to 8-bit": 1},
        "exact_duplicates": [{"a": a, "b": b, "same_label": True, "across_splits": False}],
        "exact_duplicate_count": 1,
        "near_duplicates": [pair],
        "near_duplicate_count": 14,
        "conflicting_labels": [{**pair, "same_label": False}],
        "conflicting_label_count": 60,
        "leaks": {
            "test_images": 9,
            "development_images": 12,
            "by_group_table": 7,
            "by_near_duplicate": 4,
            "dropped": 12,
            "policy": "drop",
        },
        "conflicts": {"images": 0, "dropped": 0, "policy": "drop"},
        "understood": ["data set: 3 files"],
        "warnings": ["look <b>here</b>"],
        "table": None,
        "subgroups": {},
        "groups": {"given": True, "count": 321, "unlisted": 8},
        "worst_pairs": [{**pair, "picture": png(strip)}] * 3,
    }


def _doses(arm: str) -> int:
    """Return the synthetic images a class that an arm takes beside 100 real ones."""
    return parse_arm(arm).synthetic_counts([100], [0])[0]


def _evaluation(
    folder: Path,
    arm: str,
    test: ImageSet,
    external: ImageSet,
    development: ImageSet,
    replicates: int,
    number: int,
) -> Path:
    rng = np.random.default_rng(number)
    classes, positive = test.classes, test.classes.index(test.positive_class)
    recipe = parse_arm(arm)
    sharpness = 2.1 + 0.25 * number - (1.2 if not recipe.uses_real else 0)
    if 0 < recipe.real_share < 1:
        sharpness = 2.1 + 0.4 * np.log2(recipe.real_share)
    difficulty = np.random.default_rng(99).normal(0, 1.2, (len(test), len(classes)))
    folder.mkdir(parents=True)
    found, probabilities = [], []
    epochs = 25
    for replicate in range(replicates):
        logits = difficulty + rng.normal(0, 0.8, difficulty.shape)
        logits[np.arange(len(test)), test.labels] += sharpness
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        probabilities.append(p.astype(np.float32))
        confusion = confusion_matrix(p, test.labels, positive)
        fall = np.exp(-np.arange(epochs) / 7)
        history = {
            "loss": 0.3 + 0.5 * fall + rng.normal(0, 0.01, epochs),
            "accuracy": 0.85 - 0.3 * fall + rng.normal(0, 0.01, epochs),
            "val_loss": 0.4 + 0.4 * fall + rng.normal(0, 0.03, epochs),
            "val_accuracy": 0.8 - 0.25 * fall + rng.normal(0, 0.02, epochs),
        }
        found.append(
            {
                "seed": replicate,
                "generator": "gan-0" if recipe.uses_synthetic else "",
                "training_images": int(len(development) * 4 / 5 * recipe.real_share) + _doses(arm) * len(classes),
                "epochs_run": epochs,
                "best_epoch": epochs - 5,
                "history": {key: [float(v) for v in values] for key, values in history.items()},
                "threshold": 0.41,
                **{key: float(value[0]) for key, value in scores(p, test.labels, positive).items()},
                "per_class": per_class(confusion, classes),
                "confusion_matrix": confusion.tolist(),
            }
        )
    np.save(folder / "probabilities.npy", np.stack(probabilities), allow_pickle=False)
    logits = np.random.default_rng(98).normal(0, 1.2, (len(external), len(classes)))
    logits = logits + 1.2 * np.eye(len(classes))[external.labels] + rng.normal(0, 0.5, (replicates, *logits.shape))
    elsewhere = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    np.save(folder / "external.npy", elsewhere.astype(np.float32), allow_pickle=False)
    write_json(
        folder / "evaluation.json",
        {
            "arm": arm,
            "classes": list(classes),
            "positive_class": test.positive_class,
            "synthetic_per_class": dict.fromkeys(classes, _doses(arm)),
            "training_images": found[0]["training_images"],
            "classifier": PAPER,
            "test_set_digest": test.digest(),
            "external_set_digest": external.digest(),
            "replicates": found,
            "label_fidelity": fidelity(test.classes) if arm == "real" else [],
        },
    )
    return folder


def write_example(path: Path, inputs: Inputs, verdict: dict, ledger: list) -> None:
    """Write the report of an example."""
    write_report(
        path,
        verdict,
        ledger,
        inputs.data_report,
        inputs.audit,
        inputs.synthetic_report,
        inputs.evaluations,
        inputs.test,
        inputs.synthetic,
        inputs.development,
    )
