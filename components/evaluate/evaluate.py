"""Measures every replicate of an arm on the test set, and on the external ones."""

from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from components.classifiers.heads import load_heads
from components.contracts.classifier import PRETRAINED
from components.contracts.errors import InputError
from components.contracts.features import Features
from components.contracts.files import fresh_folder, read_json, whole_file, write_json
from components.contracts.imageset import ImageSet
from components.contracts.metrics import confusion_matrix, per_class, scores

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
) -> None:
    """Predict the test set and the M external images with every model of `models_folder`; write the evaluation.

    Heads need the `features` of both. Written afresh into `evaluation_folder` are probabilities.npy (float32, R x N x
    C) and external.npy (R x M x C), and evaluation.json: what is known of the training, and for each replicate its
    operating threshold (`operating_threshold`, from its validation rows alone), metrics, scores by class and confusion
    matrix on the test set. Raises InputError if models and test sets don't belong together or a file is missing or
    broken.
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
        sets = {"test": test, "external": external}
        probabilities, elsewhere = _by_heads(models_folder, count, sets, features, positive, threads)
    else:
        probabilities, elsewhere = _by_networks(models_folder, count, [test, external], positive, threads)
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
    }
    evaluation_folder = fresh_folder(evaluation_folder)
    for name, array in (("probabilities.npy", probabilities), ("external.npy", elsewhere)):
        with whole_file(evaluation_folder / name) as part, part.open("wb") as file:
            np.save(file, array, allow_pickle=False)
    write_json(evaluation_folder / "evaluation.json", evaluation)


def _by_heads(
    models_folder: Path, replicates: int, sets: dict[str, ImageSet], features: Features, positive: int, threads: int
) -> list[np.ndarray]:
    classes = len(sets["test"].classes)
    heads = load_heads(models_folder, replicates, features.dimensions, 1 if classes == 2 else classes)
    with threadpool_limits(threads):
        return [
            heads.probabilities(features.open(name, tested).of(np.arange(len(tested)))[:, 0], positive)
            for name, tested in sets.items()
        ]


def _by_networks(
    models_folder: Path, replicates: int, sets: list[ImageSet], positive: int, threads: int
) -> list[np.ndarray]:
    # Here, as heads need no TensorFlow and it takes seconds to load.
    from components.classifiers.start import start_tensorflow

    start_tensorflow()
    from components.classifiers.network import class_probabilities
    from components.classifiers.predict import outputs_of_models

    paths = [models_folder / f"replicate-{r}.keras" for r in range(replicates)]
    found = []
    for tested in sets:
        if not len(tested):  # no network is loaded for nothing
            found.append(np.empty((replicates, 0, len(tested.classes)), np.float32))
            continue
        outputs = outputs_of_models(paths, tested.images, threads)
        found.append(np.stack([class_probabilities(output, positive) for output in outputs]))
    return found


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
