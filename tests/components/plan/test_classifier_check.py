"""Which classifiers a run may have, and what is said of those that it may not."""

import json
import zipfile
from pathlib import Path

import pytest

from components.contracts.classifier import APPLICATIONS, Classifier, chosen, load_classifier
from components.contracts.errors import InputError
from components.contracts.user_files import file_digest
from components.fetch_classifier.fetch import fetch
from components.plan.classifier import check_classifier
from components.plan.parameters import check_parameters
from pipelines.parameters import addresses, resolve


def checked(**given) -> Classifier:
    return check_classifier(check_parameters(resolve({}, given, "somewhere")))


@pytest.fixture
def model(tmp_path) -> Path:
    """A `.keras` file as Keras writes it, but for its weights, which nobody looks at here."""
    path = tmp_path / "mine.keras"
    layers = [
        {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [None, 24, 24, 3]}},
        {"module": "keras.layers", "class_name": "Conv2D", "config": {"trainable": False}},
    ]
    with zipfile.ZipFile(path, "w") as archive:
        config = {"module": "keras", "class_name": "Sequential", "config": {"layers": layers}}
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", "")
    return path


@pytest.fixture
def weights(tmp_path) -> Path:
    (tmp_path / "imagenet.weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n...")
    return tmp_path / "imagenet.weights.h5"


def test_names_of_gansweeps_own_classifiers_need_no_file():
    assert checked(classifier="paper") == Classifier("paper", "paper")
    assert checked(classifier="paper-deep").kind == "paper"
    assert checked(classifier="pretrained") == Classifier("pretrained", "pretrained", "head", "weights")


def test_an_architecture_of_keras_starts_from_its_weights_file_or_afresh(weights):
    without = checked(classifier="MobileNetV2")
    assert without == Classifier("MobileNetV2", "application", "all", "afresh")
    assert without.words() == (
        "MobileNetV2 starts from weights drawn afresh, as classifier_weights names no file; all of it learns"
    )
    digest = file_digest("", weights)
    found = checked(classifier="MobileNetV2", classifier_weights=str(weights), classifier_trainable="head")
    assert found == Classifier("MobileNetV2", "application", "head", "weights", "imagenet.weights.h5", digest)
    assert found.words() == (
        f"MobileNetV2 starts from the weights of imagenet.weights.h5 (SHA-256 {digest[:16]}…); its head learns"
    )


def test_a_model_of_ones_own_is_known_by_the_digest_of_its_file(model):
    found = checked(classifier=str(model), classifier_trainable="head")
    assert found == Classifier("mine.keras", "own", "head", "weights", "mine.keras", file_digest("", model))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"classifier": "resnet50"}, "classifier: there is no 'resnet50'; did you mean ResNet50?"),
        ({"classifier": "Pretrained"}, "classifier: there is no 'Pretrained'; did you mean pretrained?"),
        ({"classifier": "vit"}, "classifier: there is no 'vit'; take paper, paper-wide, paper-deep, pretrained, an"),
        ({"classifier": "model.h5"}, "classifier: model.h5: is no .keras file"),
        ({"classifier": "folder/saved_model"}, "classifier: folder/saved_model: is no .keras file"),
        ({"classifier": "/none/mine.keras"}, "classifier: /none/mine.keras: there is no such file"),
        (
            {"classifier": "http://x/mine.keras"},
            "classifier: http://x/mine.keras: http:// is not known; give a path or",
        ),
        ({"classifier": "InceptionV3"}, "image_size: InceptionV3 takes pictures of 75 pixels or more"),
        ({"classifier_weights": "a.h5"}, "classifier_weights: .*a.h5: are for an architecture of Keras"),
        ({"classifier": "ResNet50", "classifier_weights": "a.npz"}, "classifier_weights: .*a.npz: is no .h5 file"),
        ({"classifier": "ResNet50", "classifier_trainable": "head"}, "classifier_trainable: a head alone would learn"),
        (
            {"classifier": "m.keras", "classifier_trainable": "head", "classifier_start": "afresh"},
            "classifier_trainable: a head alone would learn",
        ),
    ],
)
def test_what_is_no_classifier_or_does_not_fit_together_is_refused_with_the_way_out(given, reason):
    with pytest.raises(InputError, match=reason) as refused:
        checked(**given)
    assert "\n" not in str(refused.value)


def test_a_file_in_which_every_layer_is_frozen_can_learn_by_its_head_alone(model):
    with pytest.raises(
        InputError, match="classifier: mine.keras: has no trainable weight, .*classifier_trainable=head"
    ):
        checked(classifier=str(model))


def test_a_folder_is_no_file_of_a_model(tmp_path):
    (tmp_path / "mine.keras").mkdir()
    with pytest.raises(InputError, match="classifier: .*mine.keras: is a folder; give a file"):
        checked(classifier=str(tmp_path / "mine.keras"))


def test_weights_that_are_no_hdf5_are_refused(weights):
    weights.write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match="classifier_weights: .*imagenet.weights.h5: is no HDF5 file"):
        checked(classifier="MobileNetV2", classifier_weights=str(weights))


def test_a_file_reaches_the_trainers_as_it_was_planned_or_not_at_all(model, tmp_path):
    digest = file_digest("", model)
    fetch(str(model), "", "head", "weights", digest, tmp_path / "network")
    classifier, file = load_classifier(tmp_path / "network")
    assert (classifier, file.read_bytes()) == (
        checked(classifier=str(model), classifier_trainable="head"),
        model.read_bytes(),
    )
    file.write_bytes(b"another")
    with pytest.raises(InputError, match="mine.keras is not what it was when the run began"):
        load_classifier(tmp_path / "network")
    model.write_bytes(b"another")
    with pytest.raises(InputError, match="mine.keras is not what it was when the run began"):
        fetch(str(model), "", "head", "weights", digest, tmp_path / "again")


def test_a_file_in_storage_is_checked_and_fetched_as_one_on_a_disk_is(model, bucket):
    bucket.write("models/mine.keras", model)
    address = f"{bucket.address}/models/mine.keras"
    found = checked(classifier=address, classifier_trainable="head")
    assert found.sha256 == file_digest("", model)
    fetch(address, "", "head", "weights", found.sha256, model.parent / "network")
    assert load_classifier(model.parent / "network")[1].read_bytes() == model.read_bytes()
    with pytest.raises(InputError, match="classifier: minio://.*/none.keras: there is no such object"):
        checked(classifier=f"{bucket.address}/models/none.keras")


def test_the_path_of_a_model_is_made_absolute_and_a_name_is_left_as_it_is():
    given = resolve({}, {"classifier": "mine.keras"}, "somewhere")
    assert Path(given["classifier"]).is_absolute()
    assert ("classifier", given["classifier"]) in addresses(given)
    assert resolve({}, {"classifier": "ResNet50"}, "somewhere")["classifier"] == "ResNet50"
    assert "classifier" not in dict(addresses(resolve({}, {}, "somewhere")))


def test_every_architecture_is_one_of_keras():
    keras = pytest.importorskip("keras")
    assert set(APPLICATIONS) == {name for name in dir(keras.applications) if name[0].isupper()}


def test_chosen_names_are_free_of_the_path():
    assert chosen("minio://bucket/a/mine.keras", "", "all", "weights").name == "mine.keras"
