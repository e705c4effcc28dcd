"""What a user's Keras model is like, read from its file without loading it: no TensorFlow, and nothing in it is run.

A `.keras` file is a ZIP archive whose config.json names every object that loading it would make. Keras's safe mode
refuses code in Lambda layers; this goes further and lets through only objects of Keras's own modules for models, layers
and what belongs to them, for other names have been used to run code (CVE-2025-1550, CVE-2025-8747).
"""

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.contracts.errors import InputError

LARGEST_CONFIG = 20_000_000
LARGEST_WEIGHTS = 4_000_000_000
PARTS = ("config.json", "model.weights.h5")
_OWN = re.compile(
    r"keras|keras\.(models|layers|initializers|regularizers|constraints|activations|dtype_policies)"
    r"|keras\.src\.(models|layers|ops|initializers|regularizers|constraints|activations|dtype_policies)(\.\w+)*"
)
# Layers that have weights to learn; all others of Keras's own compute without.
_WITHOUT_WEIGHTS = re.compile(
    "InputLayer|Rescaling|Resizing|Activation|ReLU|LeakyReLU|ELU|Softmax|.*Pooling.*|Flatten|Reshape|Permute|Dropout|"
    "SpatialDropout.*|Gaussian.*|ZeroPadding.*|Cropping.*|UpSampling.*|Add|Subtract|Multiply|Average|Maximum|Minimum|"
    "Concatenate|Dot|Random.*|CenterCrop|Identity|RepeatVector|ActivityRegularization"
)
_LARGE_MEAN = 2.0  # pixels in 0..1 have no larger mean


@dataclass(frozen=True)
class KerasFile:
    """One input of `height` x `width` pixels (None: any) with `channels` colours, 1 or 3.

    `rescales` says that the network itself brings pixels of 0..255 to its own range, so that it wants them as they are;
    else it gets them in 0..1.
    """

    height: int | None
    width: int | None
    channels: int
    rescales: bool


def read_keras_file(path: str | Path) -> KerasFile:
    """Return what the model in a `.keras` file is like; raises InputError that says what makes it unfit."""

    def unfit(reason: str) -> InputError:
        return InputError(f"classifier: {Path(path).name}: {reason}")

    model = _config(path, unfit)
    for found in _objects(model):
        _refuse_foreign(found, unfit)
    if model.get("class_name") not in ("Functional", "Sequential"):
        raise unfit(f"is a {model.get('class_name')}; give a Functional or Sequential model")
    layers = [layer for layer in _layers(model) if layer.get("class_name") != "InputLayer"]
    height, width, channels = _input_shape(model, unfit)
    outputs = model["config"].get("output_layers", [None])
    if isinstance(outputs, list) and len(outputs) > 1 and isinstance(outputs[0], list):
        raise unfit(f"has {len(outputs)} outputs; give a model with one, features or classes")
    if all(_WITHOUT_WEIGHTS.fullmatch(str(layer.get("class_name"))) for layer in layers):
        raise unfit("has no layer with weights to train")
    return KerasFile(height, width, channels, any(map(_rescales, layers)))


def _config(path: str | Path, unfit: Any) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {item.filename: item.file_size for item in archive.infolist()}
            missing = [part for part in PARTS if part not in sizes]
            if missing:
                raise unfit(f"holds no {missing[0]}; save it with model.save('model.keras')")
            if sizes["config.json"] > LARGEST_CONFIG or sizes["model.weights.h5"] > LARGEST_WEIGHTS:
                raise unfit(f"is larger than a classifier of {LARGEST_WEIGHTS / 1e9:.0f} GB")
            model = json.loads(archive.read("config.json"))
    except OSError as error:
        raise unfit(f"can't be read ({error.strerror})") from None
    except (zipfile.BadZipFile, ValueError, RecursionError):
        raise unfit("is not a model that Keras 3 saved; save it with model.save('model.keras')") from None
    if not isinstance(model, dict) or not isinstance(model.get("config"), dict):
        raise unfit("describes no model; save it with model.save('model.keras')")
    return {key: value for key, value in model.items() if key != "compile_config"}  # never used


def _objects(part: Any) -> Iterator[dict[str, Any]]:
    """Give every object that loading would make, from the outermost on."""
    waiting = [part]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "class_name" in part:
                yield part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _refuse_foreign(found: dict[str, Any], unfit: Any) -> None:
    kind, module = str(found["class_name"]), found.get("module")
    if kind in ("Lambda", "__lambda__"):
        raise unfit("has a Lambda layer, which holds code; replace it by a layer of Keras")
    if module is None and kind.startswith("__"):  # a tensor, a tuple, a number
        return
    if not isinstance(module, str) or not _OWN.fullmatch(module):
        raise unfit(f"needs '{kind}' of {module!r}, which is not Keras's own; use layers of Keras alone")


def _layers(model: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give every layer, those of models within the model too."""
    for layer in model["config"].get("layers", []):
        if isinstance(layer, dict) and isinstance(layer.get("config"), dict):
            if "layers" in layer["config"]:
                yield from _layers(layer)
            else:
                yield layer


def _input_shape(model: dict[str, Any], unfit: Any) -> tuple[int | None, int | None, int]:
    inputs = [layer for layer in model["config"].get("layers", []) if layer.get("class_name") == "InputLayer"]
    if len(inputs) > 1:
        raise unfit(f"has {len(inputs)} inputs; give a model of one picture")
    shape = inputs[0]["config"].get("batch_shape") if inputs else model["config"].get("build_input_shape")
    if not isinstance(shape, list) or len(shape) != 4 or shape[3] not in (1, 3):
        raise unfit(f"takes {shape}; give a model of pictures, height x width x 1 or 3 colours (channels last)")
    return shape[1], shape[2], shape[3]


def _rescales(layer: dict[str, Any]) -> bool:
    """Whether a layer brings pixels of 0..255 to a smaller range."""
    if layer["class_name"] == "Rescaling":
        scale = layer["config"].get("scale", 1.0)
        return isinstance(scale, (int, float)) and scale < 0.1
    mean = layer["config"].get("mean") if layer["class_name"] == "Normalization" else None
    return isinstance(mean, list) and any(isinstance(value, (int, float)) and value > _LARGE_MEAN for value in mean)
