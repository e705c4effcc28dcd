"""What a user's Keras model is like, read from its file without loading it: no TensorFlow, and nothing in it is run.

A `.keras` file is a ZIP archive whose config.json names every object that loading it would make. Keras's safe mode
refuses code in Lambda layers; this goes further and lets through only layers for pictures, and what belongs to them:
other names have been used to run code or to read files (CVE-2025-1550, CVE-2025-8747, CVE-2025-12058, CVE-2025-49655).
"""

import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.contracts.errors import InputError
from components.contracts.plain_text import plain

LARGEST_MODEL = 500_000_000  # bytes of the file, and of what it unpacks to
LARGEST_CONFIG = 5_000_000
PARTS = ("config.json", "model.weights.h5")
HDF5 = b"\x89HDF\r\n\x1a\n"  # what files of that format begin with
HOW_TO_SAVE = "save it with model.save('model.keras')"
# Layers for pictures that have weights to learn, and such that compute without.
LEARNING = re.compile(
    r"(Depthwise|Separable)?Conv(olution)?2D(Transpose)?|SeparableConvolution2D|Dense|EinsumDense|Embedding|PReLU|"
    r"(Batch|Group|Layer|RMS|Spectral)Normalization|MultiHeadAttention|GroupQueryAttention|Conv1D|LSTM|GRU|"
    r"Bidirectional|TimeDistributed"
)
PLAIN = re.compile(
    r"InputLayer|Normalization|UnitNormalization|Rescaling|Resizing|CenterCrop|Cropping[12]D|ZeroPadding[12]D|"
    r"UpSampling[12]D|Activation|ActivityRegularization|ReLU|LeakyReLU|ELU|Softmax|"
    r"(Global|Adaptive)?(Average|Avg|Max)Pool(ing)?[12]D|Flatten|Reshape|Permute|RepeatVector|Identity|(Alpha)?Dropout|"
    r"SpatialDropout[12]D|Gaussian(Dropout|Noise)|Add|Subtract|Multiply|Average|Maximum|Minimum|Concatenate|Dot|"
    r"(Additive)?Attention|Random\w+"
)
_MODELS = ("Functional", "Sequential")
_CLASS = re.compile(r"[A-Z]\w*")
# What belongs to layers, by module: each of these makes numbers, and none reads a file or calls what it is given.
_PARTS_OF_LAYERS = re.compile(
    r"keras\.(initializers|regularizers|constraints|activations|dtype_policies|random|losses|metrics)"
    r"|keras\.optimizers(\.schedules)?|keras\.src\.ops\.(numpy|nn|core|math|image|linalg)"
)
_OF_APPLICATIONS = re.compile(
    r"keras\.src\.applications\.(convnext\.(LayerScale|StochasticDepth)|inception_resnet_v2\.CustomScaleLayer)"
)
_POLICIES = re.compile(r"\w*DTypePolicy|SeedGenerator")
_CALLS = re.compile(r"\w*Map|\w*Scan|Cond|Switch|\w*Loop|CustomGradient")
_VALUES = re.compile(r"__(keras_tensor|tensor|tuple|numpy|bytes|slice)__")
LARGE_MEAN = 2.0  # pixels in 0..1 have no larger mean
_LARGE_DIVISOR = 100.0

Unfit = Callable[[str], InputError]


@dataclass(frozen=True)
class KerasFile:
    """One input of `height` x `width` pixels (None: any) with `channels` colours, 1 or 3.

    `rescales` says that the network itself brings pixels of 0..255 to its own range, so that it wants them as they are;
    else it gets them in 0..1. `trainable` says that a layer with weights may learn, none of what holds it being frozen.
    """

    height: int | None
    width: int | None
    channels: int
    rescales: bool
    trainable: bool


def read_keras_file(path: str | Path) -> KerasFile:
    """Return what the model in a `.keras` file is like; raises InputError that says what makes it unfit."""

    def unfit(reason: str) -> InputError:
        return InputError(f"classifier: {Path(path).name}: {plain(reason)}")

    model = _config(path, unfit)
    for found in _objects(model):
        _refuse_foreign(found, unfit)
    if model.get("class_name") not in _MODELS:
        raise unfit(f"is a {str(model.get('class_name'))[:80]}; give a Functional or Sequential model")
    layers = list(_layers(model, unfit))
    height, width, channels = _input_shape(model, unfit)
    outputs = model["config"].get("output_layers")
    if isinstance(outputs, dict) or (isinstance(outputs, list) and len(outputs) > 1 and isinstance(outputs[0], list)):
        raise unfit(f"has {len(outputs)} outputs; give a model with one, features or classes")
    if any(layer["config"].get("data_format") == "channels_first" for layer, _ in layers):
        raise unfit("has the colours before height and width; give one with channels_last")
    learning = [free for layer, free in layers if LEARNING.fullmatch(layer["class_name"])]
    if not learning:
        raise unfit("has no layer with weights to train")
    return KerasFile(height, width, channels, any(_rescales(layer) for layer, _ in layers), any(learning))


def _config(path: str | Path, unfit: Unfit) -> dict[str, Any]:
    """Return config.json of a file, after a look at what the archive says it holds; no more than that is unpacked."""
    no_model = f"is not a model that Keras 3 saved; {HOW_TO_SAVE}"
    try:
        if Path(path).stat().st_size > LARGEST_MODEL:
            raise unfit(f"is larger than {LARGEST_MODEL / 1e6:.0f} MB")
        with Path(path).open("rb") as file:
            if file.read(len(HDF5)) == HDF5:
                raise unfit(f"is an HDF5 file, as older versions of Keras write; load it there and {HOW_TO_SAVE}")
        with zipfile.ZipFile(path) as archive:
            items = archive.infolist()
            missing = [part for part in PARTS if part not in {item.filename for item in items}]
            if missing:
                raise unfit(f"holds no {missing[0]}; {HOW_TO_SAVE}")
            if len({item.filename for item in items}) < len(items):
                raise unfit(f"holds a file twice; {HOW_TO_SAVE}")
            sizes = {item.filename: item.file_size for item in items}
            if sizes["config.json"] > LARGEST_CONFIG or sum(sizes.values()) > LARGEST_MODEL:
                raise unfit(
                    f"unpacks to more than {LARGEST_MODEL / 1e6:.0f} MB of weights or {LARGEST_CONFIG / 1e6:.0f} MB of "
                    "description"
                )
            model = json.loads(archive.read("config.json"))
    except OSError as error:
        raise unfit(f"can't be read ({error.strerror or error})") from None
    except (zipfile.BadZipFile, ValueError, RecursionError, NotImplementedError, RuntimeError, EOFError, zlib.error):
        raise unfit(no_model) from None
    if not isinstance(model, dict) or not isinstance(model.get("config"), dict):
        raise unfit(no_model)
    return {key: value for key, value in model.items() if key != "compile_config"}  # never used


def _objects(part: Any) -> Iterator[dict[str, Any]]:
    """Give every object that loading would make."""
    waiting = [part]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "class_name" in part:
                yield part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _refuse_foreign(found: dict[str, Any], unfit: Unfit) -> None:
    kind, module = str(found["class_name"])[:80], found.get("module")
    if kind in ("Lambda", "__lambda__"):
        raise unfit("has a Lambda layer, which holds code; replace it by a layer of Keras")
    if module is None and _VALUES.fullmatch(kind):
        return
    if isinstance(module, str) and _may_be_made(module, kind):
        return
    if module is None:
        raise unfit(f"needs '{kind}', a class of its author's; build it of layers of Keras, Functional or Sequential")
    raise unfit(f"needs '{kind}' of {str(module)[:80]!r}, which is no part of Keras for pictures; use its layers alone")


def _may_be_made(module: str, kind: str) -> bool:
    if module == "keras.layers":
        return bool(LEARNING.fullmatch(kind) or PLAIN.fullmatch(kind))
    if module == "keras" or module == "keras.models" or module.startswith("keras.src.models."):
        return kind in _MODELS or bool(_POLICIES.fullmatch(kind))
    if module == "keras.activations" and kind == "function":
        return True
    if _OF_APPLICATIONS.fullmatch(f"{module}.{kind}"):
        return True
    return bool(_PARTS_OF_LAYERS.fullmatch(module) and _CLASS.fullmatch(kind) and not _CALLS.fullmatch(kind))


def _layers(model: dict[str, Any], unfit: Unfit, free: bool = True) -> Iterator[tuple[dict[str, Any], bool]]:
    """Give every layer, those of models within the model too, and whether it may learn."""
    layers = model["config"].get("layers")
    if not isinstance(layers, list):
        raise unfit(f"describes no layers; {HOW_TO_SAVE}")
    for layer in layers:
        if not isinstance(layer, dict) or not isinstance(layer.get("config"), dict):
            raise unfit(f"describes a layer that is none; {HOW_TO_SAVE}")
        own = free and layer["config"].get("trainable", True) is True
        if layer.get("class_name") in _MODELS:
            yield from _layers(layer, unfit, own)
        else:
            yield {**layer, "class_name": str(layer.get("class_name"))}, own


def _input_shape(model: dict[str, Any], unfit: Unfit) -> tuple[int | None, int | None, int]:
    inputs = [layer for layer in model["config"]["layers"] if layer.get("class_name") == "InputLayer"]
    if len(inputs) > 1:
        raise unfit(f"has {len(inputs)} inputs; give a model of one picture")
    shape = inputs[0]["config"].get("batch_shape") if inputs else model["config"].get("build_input_shape")
    fits = isinstance(shape, list) and len(shape) == 4 and shape[3] in (1, 3)
    if not fits or not all(size is None or (type(size) is int and 0 < size <= 4096) for size in shape[1:3]):
        raise unfit(f"takes {str(shape)[:80]}; give a model of pictures, height x width x 1 or 3 colours")
    if (shape[1] is None) != (shape[2] is None):
        raise unfit(f"takes {shape}; give height and width, or neither")
    return shape[1], shape[2], shape[3]


def _rescales(layer: dict[str, Any]) -> bool:
    """Whether a layer brings pixels of 0..255 to a smaller range."""
    kind, config = layer["class_name"], layer["config"]
    if kind == "Rescaling":
        return _number(config.get("scale")) and config["scale"] < 0.1
    if kind == "Normalization":
        mean = config.get("mean")  # None where it was measured: then it is among the weights
        return any(_number(value) and value > LARGE_MEAN for value in (mean if isinstance(mean, list) else [mean]))
    if kind in ("TrueDivide", "Divide"):  # x / 127.5 between layers
        numbers = [value for node in layer.get("inbound_nodes", []) for value in node.get("args", [])]
        return any(_number(value) and value > _LARGE_DIVISOR for value in numbers)
    return False


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
