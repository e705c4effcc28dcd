"""The network of whatever classifier a run has chosen."""

from pathlib import Path

from components.classifiers.network import Networks, paper_networks
from components.classifiers.own import networks_of_application, networks_of_file
from components.contracts.classifier import Classifier


def networks_of(classifier: Classifier, file: Path | None, image_size: int, classes: int, dropout: float) -> Networks:
    """Return the networks of a classifier that learns from pixels; `file` is the user's, of the model or its weights.

    `dropout` is that of the paper's network and its variants. Raises InputError if a file can't be loaded or a network
    can't have pictures of this size.
    """
    if classifier.kind == "paper":
        return paper_networks(image_size, classes, dropout, classifier.name)
    train_all = classifier.trainable == "all"
    if classifier.kind == "application":
        weights = file if classifier.start == "weights" else None
        return networks_of_application(
            classifier.name, weights, image_size, classes, name=classifier.file, train_all=train_all
        )
    if file is None:
        raise ValueError(f"{classifier.name} without its file")
    from_file = classifier.start == "weights"
    return networks_of_file(file, image_size, classes, name=classifier.file, train_all=train_all, from_file=from_file)
