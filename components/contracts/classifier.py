"""The classifier of a run: how a user names it, and the folder that carries it from stage to stage.

    paper, paper-wide, paper-deep    the paper's small network, one with twice the maps, one with twice the convolutions
    pretrained                       a linear head on features of a frozen network
    MobileNetV2, ResNet50, ...       an architecture of keras.applications, with a file of its weights or without
    mine.keras                       a model of one's own: a path or minio://

The folder holds `classifier.json`, and the user's file of the model or of its weights if there is one.
"""

import difflib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.contracts.errors import InputError
from components.contracts.files import copy_whole, fresh_folder, read_json, write_json
from components.contracts.keras_file import LARGEST_MODEL
from components.contracts.user_files import file_digest

PAPER: dict[str, dict[str, int]] = {"paper": {}, "paper-wide": {"width": 2}, "paper-deep": {"depth": 2}}
PRETRAINED = "pretrained"
# Architectures of keras.applications, and the smallest picture that each can have.
APPLICATIONS = {
    **dict.fromkeys((f"ConvNeXt{size}" for size in ("Tiny", "Small", "Base", "Large", "XLarge")), 32),
    **dict.fromkeys((f"DenseNet{depth}" for depth in (121, 169, 201)), 32),
    **dict.fromkeys((f"EfficientNetB{number}" for number in range(8)), 32),
    **dict.fromkeys((f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3", "S", "M", "L")), 32),
    **dict.fromkeys(("MobileNet", "MobileNetV2", "MobileNetV3Small", "MobileNetV3Large"), 32),
    **dict.fromkeys((f"ResNet{depth}{version}" for depth in (50, 101, 152) for version in ("", "V2")), 32),
    **dict.fromkeys(("NASNetMobile", "NASNetLarge", "VGG16", "VGG19"), 32),
    **{"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75},
}
HOW_TO_SAVE_WEIGHTS = "save it with model.save_weights('my.weights.h5')"
_FILE = "classifier.json"


@dataclass(frozen=True)
class Classifier:
    """What learns the classes.

    `kind` is "paper", "pretrained", "application" or "own"; `name` as the user gave it, of a file its name alone.
    `trainable` says what learns, "all" or the "head"; `start` what a training begins with, the file's "weights" or such
    drawn "afresh". `file` and `sha256` are the name and digest of the user's file of the model or its weights, or "".
    """

    name: str
    kind: str
    trainable: str = "all"
    start: str = "afresh"
    file: str = ""
    sha256: str = ""

    def words(self) -> str:
        """Return in words what it is, for people."""
        if self.kind not in ("application", "own"):
            return self.name
        learns = "all of it learns" if self.trainable == "all" else "its head learns"
        of_file = f" of {self.file}" if self.kind == "application" else ""
        begins = f"starts from the weights{of_file}" if self.start == "weights" else "starts from weights drawn afresh"
        begins += "" if self.file else ", as classifier_weights names no file"
        digest = f" (SHA-256 {self.sha256[:16]}…)" if self.sha256 else ""
        return f"{self.name} {begins}{digest}; {learns}"


def chosen(classifier: str, weights: str, trainable: str, start: str) -> Classifier:
    """Return the classifier that the parameters of a run name, without the digest of its file.

    Raises InputError naming the parameter if there is no such classifier, or if they don't fit together.
    """
    kind = _kind(classifier)
    if weights and kind != "application":
        raise InputError(
            f"classifier_weights: {weights}: are for an architecture of Keras such as MobileNetV2, and classifier is "
            f"'{classifier}'; leave it empty"
        )
    if kind == PRETRAINED:
        return Classifier(classifier, kind, "head", "weights")
    if kind == "paper":
        return Classifier(classifier, kind)
    if weights and not weights.endswith(".h5"):
        raise InputError(f"classifier_weights: {weights}: is no .h5 file; {HOW_TO_SAVE_WEIGHTS}")
    file = Path(weights if kind == "application" else classifier).name
    start = start if file else "afresh"
    if trainable == "head" and start == "afresh":
        raise InputError(
            f"classifier_trainable: a head alone would learn from random features, as {classifier} starts afresh; "
            "give 'all', or weights to start from"
        )
    return Classifier(file if kind == "own" else classifier, kind, trainable, start, file)


def _kind(classifier: str) -> str:
    if classifier in PAPER:
        return "paper"
    if classifier == PRETRAINED:
        return PRETRAINED
    if classifier in APPLICATIONS:
        return "application"
    if classifier.endswith(".keras"):
        return "own"
    if classifier.endswith((".h5", ".hdf5", ".pb")) or "/" in classifier:
        raise InputError(
            f"classifier: {classifier}: is no .keras file; load it where it was made and save it anew, "
            "model.save('model.keras')"
        )
    lower = {name.lower(): name for name in (*PAPER, PRETRAINED, *APPLICATIONS)}
    close = difflib.get_close_matches(classifier.lower(), lower, n=1)
    known = f"take {', '.join(PAPER)}, {PRETRAINED}, an architecture of keras.applications such as MobileNetV2, or the"
    hint = f"did you mean {lower[close[0]]}?" if close else f"{known} path of a .keras file"
    raise InputError(f"classifier: there is no '{classifier}'; {hint}")


def save_classifier(folder: str | Path, classifier: Classifier, file: Path | None) -> None:
    """Write the folder afresh, with a copy of the user's `file`.

    Raises InputError if that is not the file that `classifier` has the digest of.
    """
    folder = fresh_folder(folder)
    if file is not None:
        copy_whole(file, folder / _copy_of(classifier))
        _check_copy(folder, classifier)
    write_json(folder / _FILE, asdict(classifier))


def load_classifier(folder: str | Path) -> tuple[Classifier, Path | None]:
    """Read the folder: the classifier, and the user's file of it; raises InputError if it is broken."""
    path = Path(folder) / _FILE
    about: dict[str, Any] = read_json(path)
    try:
        classifier = Classifier(**about)
    except TypeError as error:
        raise InputError(f"{path}: not the description of a classifier ({error})") from None
    return classifier, _check_copy(Path(folder), classifier) if classifier.file else None


def _check_copy(folder: Path, classifier: Classifier) -> Path:
    copy = folder / _copy_of(classifier)
    if file_digest("classifier: ", copy, LARGEST_MODEL) != classifier.sha256:
        raise InputError(f"classifier: {classifier.file} is not what it was when the run began; start it anew")
    return copy


def _copy_of(classifier: Classifier) -> str:
    """Return the name of the copy; Keras tells formats of files by their endings."""
    if classifier.kind == "own":
        return "model.keras"
    return "new.weights.h5" if classifier.file.endswith(".weights.h5") else "weights.h5"
