"""What the report and its checklists tell of the classifier."""

from dataclasses import dataclass
from typing import Any

from components.compare.report.text import count, percent
from components.contracts.classifier import Classifier

_BUILT = {
    "paper": "four convolutions with poolings and dropout, one dense layer",
    "paper-wide": "four convolutions with poolings and dropout, one dense layer, with twice the paper's feature maps",
    "paper-deep": "eight convolutions with poolings and dropout, one dense layer",
}


@dataclass(frozen=True)
class Told:
    """What is to be told of the classifier, in sentences but for `technique` and `saved`."""

    technique: str
    model: str
    inputs: str
    training: str
    start: str
    choice: str
    saved: str


def size_of(classifier: dict[str, Any]) -> str:
    """Return in words which classifier it is, how many weights it has and how many of them learn."""
    name, weights, learning = (classifier[key] for key in ("name", "weights", "trainable_weights"))
    kept = {field: classifier[field] for field in Classifier.__dataclass_fields__}
    about = Classifier(**kept).words() if classifier["file"] or classifier["kind"] == "application" else name
    return f"{about}. {count(weights)} weights, of which {count(learning)} ({percent(learning / weights)}) learn."


def told(classifier: dict[str, Any], parameters: dict[str, Any]) -> Told:
    """Return what the checklists tell of the classifier of a verdict and of the parameters of its training."""
    if classifier["kind"] == "pretrained":
        return Told(
            technique="logistic regression on the features of a pretrained convolutional neural network",
            model=f"logistic regression on features of a frozen EfficientNet-Lite0: {size_of(classifier)}",
            inputs="features of the frozen network, standardised.",
            training="logistic regression with an L2 penalty of one of seven strengths.",
            start="Frozen weights from ImageNet; the classifier on top has one solution, whatever it starts from.",
            choice="The strength of the penalty with the best validation loss of each replicate.",
            saved="linear head",
        )
    own = classifier["kind"] != "paper"
    dropout = "" if own else f", dropout {parameters['classifier_dropout']:g}"
    start = "Random; nothing pretrained."
    if classifier["start"] == "weights":
        start = f"The weights of {classifier['file']} (SHA-256 {classifier['sha256'][:16]}…), with a new random head."
    return Told(
        technique="neural network" if classifier["kind"] == "own" else "convolutional neural network",
        model=f"{'' if own else _BUILT[classifier['name']] + ': '}{size_of(classifier)}",
        inputs="pixels in the network's own size and range." if own else "pixels scaled to 0..1.",
        training=(
            f"at most {parameters['classifier_epochs']} epochs, batch {parameters['classifier_batch_size']}, Adam, "
            f"learning rate {parameters['classifier_learning_rate']:g}{dropout}."
        ),
        start=start,
        choice="The epoch with the best validation loss of each replicate.",
        saved="Keras model",
    )
