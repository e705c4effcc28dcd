"""Fetches the file of a classifier, from a path or from storage."""

from dataclasses import replace
from pathlib import Path

from components.contracts.classifier import chosen, save_classifier
from components.contracts.keras_file import LARGEST_MODEL
from components.storage.addresses import local_file


def fetch(classifier: str, weights: str, trainable: str, start: str, version: str, folder: str | Path) -> None:
    """Write the folder of a classifier (`contracts.classifier`); the parameters are those of the run.

    `version` is the SHA-256 of the user's file, "" without one. Raises InputError if it is another file by now.
    """
    made = replace(chosen(classifier, weights, trainable, start), sha256=version)
    if not made.file:
        save_classifier(folder, made, None)
        return
    name, address = ("classifier", classifier) if made.kind == "own" else ("classifier_weights", weights)
    with local_file(name, address, LARGEST_MODEL) as path:
        save_classifier(folder, made, path)
