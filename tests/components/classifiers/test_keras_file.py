"""What is said of a user's `.keras` file before anything of it is loaded."""

import json
import subprocess
import sys
import zipfile

import keras
import pytest
from keras import layers
from own_models import residual_model, saved

from components.contracts.errors import InputError
from components.contracts.keras_file import LARGEST_CONFIG, LEARNING, PLAIN, KerasFile, read_keras_file


def two_inputs():
    pictures, ages = keras.Input((8, 8, 3)), keras.Input((1,))
    return keras.Model([pictures, ages], layers.Concatenate()([layers.Flatten()(pictures), ages]))


def two_outputs(named=False):
    pictures = keras.Input((8, 8, 3))
    flat = layers.Flatten()(pictures)
    outputs = [layers.Dense(2)(flat), layers.Dense(1)(flat)]
    return keras.Model(pictures, dict(zip("ab", outputs, strict=True)) if named else outputs)


@keras.saving.register_keras_serializable(package="Mine")
class Mine(layers.Layer):
    def call(self, x):
        return x


def small(*more, shape=(8, 8, 3)):
    return keras.Sequential([keras.Input(shape), layers.Conv2D(2, 1), *more])


UNFIT = {
    "has a Lambda layer": lambda: small(layers.Lambda(lambda x: x)),
    "has 2 inputs": two_inputs,
    "has 2 outputs": two_outputs,
    "has 2 outputs; give": lambda: two_outputs(named=True),
    "has no layer with weights": lambda: keras.Sequential([keras.Input((8, 8, 3)), layers.GlobalAveragePooling2D()]),
    "1 or 3 colours": lambda: small(shape=(8, 8, 4)),
    "needs 'Mine' of": lambda: small(Mine()),
    "needs 'StringLookup'": lambda: small(layers.StringLookup(vocabulary=["a"])),
}


def file_of(tmp_path, config, name="mine.keras", weights=b"", method=zipfile.ZIP_STORED):
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
        archive.writestr("model.weights.h5", weights)
    return path


def described(tmp_path, change):
    """A sound file whose description is changed."""
    path = saved(tmp_path, small(layers.Activation("relu")))
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    change(config)
    return file_of(tmp_path, config)


@pytest.mark.parametrize("reason", UNFIT)
def test_a_model_that_does_not_fit_is_refused_with_the_reason(tmp_path, reason):
    path = saved(tmp_path, UNFIT[reason]())
    with pytest.raises(InputError, match=reason) as refused:
        read_keras_file(path)
    assert str(refused.value).startswith("classifier: mine.keras: ")


FOREIGN = {
    "os": {"module": "os", "class_name": "function", "config": "system"},
    "builtins": {"module": "builtins", "class_name": "function", "config": "eval"},
    "keras.utils": {"module": "keras.utils", "class_name": "function", "config": "get_file"},
    "keras.layers": {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/etc"}},
    "keras.src.utils": {"module": "keras.src.utils.python_utils", "class_name": "Anything", "config": {}},
    "keras.src.ops.core": {"module": "keras.src.ops.core", "class_name": "Map", "config": {}},
}


@pytest.mark.parametrize("module", FOREIGN)
def test_what_is_no_part_of_keras_for_pictures_is_refused_wherever_it_stands(tmp_path, module):
    def in_a_layer(config):
        config["config"]["layers"][-1]["config"]["activation"] = FOREIGN[module]

    def beside(config):
        config["config"]["layers"][-1]["build_config"] = {"input_shape": [FOREIGN[module]]}

    def as_a_layer(config):
        config["config"]["layers"].append(FOREIGN[module])

    for change in (in_a_layer, beside, as_a_layer):
        with pytest.raises(InputError, match=f"classifier: mine.keras: needs '.*' of '{module}"):
            read_keras_file(described(tmp_path, change))


def test_a_lambda_is_refused_without_being_loaded_in_any_spelling(tmp_path):
    code = {"class_name": "__lambda__", "config": {"value": "4wAAAA=="}}
    with pytest.raises(InputError, match="Lambda"):
        read_keras_file(described(tmp_path, lambda c: c["config"]["layers"][-1]["config"].update(activation=code)))


@pytest.mark.parametrize("content", [b"PK\x03\x04 no archive", b"", b"{}"])
def test_a_file_that_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "mine.keras").write_bytes(content)
    with pytest.raises(InputError, match="is not a model that Keras 3 saved; save it with"):
        read_keras_file(tmp_path / "mine.keras")


def test_a_file_of_an_older_keras_is_told(tmp_path):
    (tmp_path / "mine.keras").write_bytes(b"\x89HDF\r\n\x1a\n...")
    with pytest.raises(InputError, match="classifier: mine.keras: is an HDF5 file, as older versions of Keras write"):
        read_keras_file(tmp_path / "mine.keras")


def test_a_class_of_its_author_is_refused_with_the_way_out(tmp_path):
    def as_a_layer(config):
        config["config"]["layers"].append({"module": None, "class_name": "Mine", "config": {}})

    with pytest.raises(InputError, match="needs 'Mine', a class of its author's; build it of layers of Keras"):
        read_keras_file(described(tmp_path, as_a_layer))


@pytest.mark.parametrize(
    "config",
    ["", "[]", "{}", '{"config": 1}', "[" * 100_000, '{"config": {}}', '{"class_name": "Functional", "config": {}}'],
)
def test_a_description_that_is_none_is_refused_in_one_line(tmp_path, config):
    with pytest.raises(InputError, match=r"classifier: mine.keras: ") as refused:
        read_keras_file(file_of(tmp_path, config))
    assert "\n" not in str(refused.value)


def test_a_broken_archive_is_refused(tmp_path):
    path = saved(tmp_path, small())
    whole = bytearray(path.read_bytes())
    place = whole.index(b"config.json") + 20
    whole[place : place + 40] = b"x" * 40
    path.write_bytes(whole)
    with pytest.raises(InputError, match="is not a model that Keras 3 saved"):
        read_keras_file(path)


def test_a_decompression_bomb_is_refused_unopened(tmp_path):
    path = file_of(tmp_path, " " * (LARGEST_CONFIG + 1), method=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < LARGEST_CONFIG / 100
    with pytest.raises(InputError, match="unpacks to more than 500 MB of weights or 5 MB of description"):
        read_keras_file(path)


def test_a_file_that_lacks_its_weights_or_holds_a_part_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "mine.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(InputError, match="holds no model.weights.h5"):
        read_keras_file(tmp_path / "mine.keras")
    path = file_of(tmp_path, "{}")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", "{}")
    with pytest.raises(InputError, match="holds a file twice"):
        read_keras_file(path)


def test_pixels_are_left_at_255_where_the_model_brings_them_to_its_range_itself(tmp_path):
    def divided():
        pictures = keras.Input((8, 8, 3))
        return keras.Model(pictures, layers.Conv2D(2, 1)(pictures / 127.5 - 1.0))

    def normalised(mean):
        return keras.Sequential(
            [keras.Input((8, 8, 3)), layers.Normalization(mean=mean, variance=1), layers.Conv2D(2, 1)]
        )

    assert read_keras_file(saved(tmp_path, divided())).rescales
    assert read_keras_file(saved(tmp_path, normalised(120.0))).rescales
    assert not read_keras_file(saved(tmp_path, normalised(0.5))).rescales
    assert not read_keras_file(saved(tmp_path, small())).rescales


def test_size_colours_and_whether_anything_may_learn_are_read(tmp_path):
    assert read_keras_file(saved(tmp_path, residual_model(size=24, colours=1))) == KerasFile(24, 24, 1, True, True)
    frozen = residual_model(size=None, rescaling=False)
    frozen.trainable = False
    assert read_keras_file(saved(tmp_path, frozen)) == KerasFile(None, None, 3, False, False)


def test_models_within_models_are_looked_into_even_if_compiled(tmp_path):
    inner = small(layers.Activation(keras.activations.gelu))
    inner.compile("adam", keras.losses.BinaryCrossentropy())
    outer = keras.Sequential([keras.Input((8, 8, 3)), inner, layers.RandomFlip(), layers.Flatten(), layers.Dense(2)])
    outer.compile("adam", "categorical_crossentropy")
    assert read_keras_file(saved(tmp_path, outer)).trainable
    inner.add(layers.Lambda(lambda x: x))
    outer = keras.Sequential([keras.Input((8, 8, 3)), inner, layers.Flatten(), layers.Dense(2)])
    with pytest.raises(InputError, match="has a Lambda layer"):
        read_keras_file(saved(tmp_path, outer))


def test_models_that_hold_an_architecture_of_keras_are_let_through(tmp_path):
    scale = {"module": "keras.src.applications.convnext", "class_name": "LayerScale", "config": {"projection_dim": 2}}
    assert read_keras_file(described(tmp_path, lambda config: config["config"]["layers"].append(scale))).trainable


def test_the_layers_let_through_are_layers_of_keras_and_those_that_hold_code_or_files_are_not_among_them():
    known = [name for name in dir(layers) if name[0].isupper()]
    passed = {name for name in known if LEARNING.fullmatch(name) or PLAIN.fullmatch(name)}
    assert {
        "Conv2D",
        "DepthwiseConv2D",
        "BatchNormalization",
        "Dense",
        "GlobalAveragePooling2D",
        "RandomFlip",
    } <= passed
    unsafe = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
    assert not passed & (
        unsafe | {"StringLookup", "IntegerLookup", "TextVectorization", "Layer", "Wrapper", "Pipeline"}
    )


def test_reading_a_file_loads_no_framework(tmp_path):
    path = saved(tmp_path, residual_model())
    code = (
        "import sys; from components.contracts.keras_file import read_keras_file; read_keras_file(sys.argv[1]);"
        "print({'tensorflow', 'keras', 'h5py', 'numpy'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code, path], text=True).strip() == "set()"
