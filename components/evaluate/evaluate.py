"""Measures every replicate of an arm on the test set, and on the external ones."""

from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from components.classifiers.heads import Heads, load_heads
from components.contracts.classifier import PRETRAINED
from components.contracts.errors import InputError
from components.contracts.features import Features
from components.contracts.files import fresh_folder, read_json, whole_file, write_json
from components.contracts.imageset import ImageSet
from components.contracts.metrics import confusion_matrix, per_class, scores
from components.evaluate.fidelity import label_fidelity

CHUNK = 4096  # rows of features in memory at a time
# What the evaluation says of a training.
KEPT = ("seed", "generator", "training_images", "epochs_run", "best_epoch", "history")


def evaluate(
    models_folder: str | Path,
    test: ImageSet,
    external: ImageSet,
    target_sensitivity: float,
    evaluation_folder: str | Path,
    threads: int,
    features: Features | None = None,
    synthetic: ImageSet | None = None,
) -> None:
    """Predict the test set and the M external images with every model of `models_folder`; write the evaluation.

    Heads need the `features` of both. Written afresh into `evaluation_folder` are probabilities.npy (float32, R x N x
    C) and external.npy (R x M x C), and evaluation.json: what is known of the training, and for each replicate its
    operating threshold (`operating_threshold`, from its validation rows alone), metrics, scores by class and confusion
    matrix on the test set; with a synthetic set also what the models take its images for (`fidelity`). Raises
    InputError if models and test sets don't belong together or a file is missing or broken.
    """
    models_folder = Path(models_folder)
    training = read_json(models_folder / "training.json")
    classes = tuple(training["classes"])
    for name, tested in (("test set", test), ("external test sets", external)):
        if tested.classes != classes:
            raise InputError(f"{name}: classes {', '.join(tested.classes)}, the models know {', '.join(classes)}")
    positive = classes.index(training["positive_class"])
    validation = _read_array(models_folder / "validation.npy")
    development_labels = _read_array(models_folder / "development_labels.npy")
    count = len(training["replicates"])
    if training["classifier"]["kind"] == PRETRAINED:
        if features is None:
            raise InputError(f"{models_folder}: heads on features, and there are none of the test set; embed it")
        heads = _heads(models_folder, count, features, len(classes))
        predict = partial(_by_heads, heads, features, positive, threads)
    else:
        predict = partial(_by_networks, models_folder, count, positive, threads)
    probabilities, elsewhere = (
        predict(name, tested, np.arange(len(tested))) for name, tested in (("test", test), ("external", external))
    )
    replicates = []
    for trained, predicted, held_out in zip(training["replicates"], probabilities, validation, strict=True):
        rows = ~np.isnan(held_out[:, positive])
        threshold = operating_threshold(
            held_out[rows, positive], development_labels[rows] == positive, target_sensitivity
        )
        confusion = confusion_matrix(predicted, test.labels, positive)
        replicates.append(
            {key: trained[key] for key in KEPT}
            | {"threshold": threshold}
            | {name: float(value[0]) for name, value in scores(predicted, test.labels, positive).items()}
            | {"per_class": per_class(confusion, classes), "confusion_matrix": confusion.tolist()}
        )
    evaluation = {key: value for key, value in training.items() if key != "seconds"} | {
        "test_set_digest": test.digest(),
        "external_set_digest": external.digest(),
        "replicates": replicates,
        "label_fidelity": label_fidelity(
            synthetic, partial(predict, "synthetic", synthetic), validation, development_labels
        )
        if synthetic
        else [],
    }
    evaluation_folder = fresh_folder(evaluation_folder)
    for name, array in (("probabilities.npy", probabilities), ("external.npy", elsewhere)):
        with whole_file(evaluation_folder / name) as part, part.open("wb") as file:
            np.save(file, array, allow_pickle=False)
    write_json(evaluation_folder / "evaluation.json", evaluation)


def _heads(models_folder: Path, replicates: int, features: Features, classes: int) -> Heads:
    return load_heads(models_folder, replicates, features.dimensions, 1 if classes == 2 else classes)


def _by_heads(
    heads: Heads, features: Features, positive: int, threads: int, name: str, imageset: ImageSet, rows: np.ndarray
) -> np.ndarray:
    """Return the class probabilities (float32 [R, n, C]) of some rows of a set of images, called `name` there."""
    with threadpool_limits(threads):
        looked_at = features.open(name, imageset)
        parts = [rows[start : start + CHUNK] for start in range(0, max(1, len(rows)), CHUNK)]
        return np.concatenate([heads.probabilities(looked_at.of(part)[:, 0], positive) for part in parts], axis=1)


def _by_networks(
    models_folder: Path, replicates: int, positive: int, threads: int, _: str, imageset: ImageSet, rows: np.ndarray
) -> np.ndarray:
    if not len(rows):  # no network is loaded for nothing
        return np.empty((replicates, 0, len(imageset.classes)), np.float32)
    # Here, as heads need no TensorFlow and it takes seconds to load.
    from components.classifiers.start import start_tensorflow

    start_tensorflow()
    from components.classifiers.network import class_probabilities
    from components.classifiers.predict import outputs_of_models

    paths = [models_folder / f"replicate-{r}.keras" for r in range(replicates)]
    # A whole set stays on the disk and is read batch by batch.
    images = imageset.images if len(rows) == len(imageset) else imageset.images[rows]
    outputs = outputs_of_models(paths, images, threads)
    return np.stack([class_probabilities(output, positive) for output in outputs])


def operating_threshold(probabilities: np.ndarray, is_positive: np.ndarray, target_sensitivity: float) -> float:
    """Return the largest threshold with at least `target_sensitivity` (0..1) on the given rows.

    `probabilities` (N) are those of the positive class; an image is called positive from the threshold on. The
    threshold is one of the positive rows' probabilities; rows tied with it are called positive too, so ties
    can only raise the sensitivity. Raises InputError if no row is positive.
    """
    ranked = np.sort(probabilities[is_positive])[::-1]
    if not len(ranked):
        raise InputError("validation_share: a fold has no positive images to set the threshold on; make it larger")
    wanted = int(np.ceil(target_sensitivity * len(ranked) - 1e-9))  # 0.7 * 10 is 7.000000000000001
    return float(ranked[max(wanted, 1) - 1])


def _read_array(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a packed array ({error})") from None
