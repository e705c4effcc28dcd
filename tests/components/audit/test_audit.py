import base64
import dataclasses
import io
import json
import threading

import numpy as np
import pytest
from PIL import Image

from components.audit import audit as stage
from components.audit import measure
from components.audit.audit import audit
from components.audit.generators import generators_of
from components.audit.privacy import measure_privacy
from components.contracts.features import measured_rows, read_features
from components.contracts.imageset import ImageSet
from components.contracts.machine import Machine
from components.contracts.progress import parse
from components.embed.embed import embed

CELLS = [("benign", "gan-0"), ("benign", "gan-1"), ("malignant", "gan-0"), ("malignant", "gan-1")]
EACH = 90


@pytest.fixture(scope="module")
def synthetic_set(phantom_set) -> ImageSet:
    """Noise, 90 images of each class from each of two generators."""
    rows = np.arange(len(CELLS) * EACH)
    cells = [CELLS[row // EACH] for row in rows]
    return dataclasses.replace(
        phantom_set,
        images=np.random.default_rng(0).integers(0, 256, (len(rows), 32, 32, 3), dtype=np.uint8),
        paths=np.array([f"{name}/{generator}/{row % EACH:06d}" for row, (name, generator) in enumerate(cells)]),
        labels=rows // (2 * EACH),
        splits=np.full(len(rows), "synthetic"),
        folds=np.full(len(rows), -1),
        groups=np.array([generator for _, generator in cells]),
        sha256=rows.astype(str),
    )


@pytest.fixture(scope="module")
def features(phantom_set, synthetic_set, tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    sets = {"development": phantom_set, "synthetic": synthetic_set}
    rows = {name: measured_rows(imageset, 3) for name, imageset in sets.items()}
    embed(sets, rows, dict.fromkeys(sets, 1), gpus="", threads=1, features_folder=folder)
    return read_features(folder)


@pytest.fixture
def run(phantom_set, phantom_test_set, features, tmp_path):
    """Return a function that audits a synthetic set of the phantoms, and gives audit.json's path and content."""

    def refuse(constant):
        raise AssertionError(f"{constant} in audit.json")

    def audited(synthetic, name="first"):
        folder = tmp_path / name
        audit(
            phantom_set, phantom_test_set, synthetic, features, 3, inception_weights="", threads=1, report_folder=folder
        )
        return folder / "audit.json", json.loads((folder / "audit.json").read_text(), parse_constant=refuse)

    return audited


def test_generators_are_judged_on_all_processors_with_the_same_figures(run, synthetic_set, monkeypatch):
    monkeypatch.setattr(stage, "this_machine", lambda: Machine(1, 2**36))
    alone = run(synthetic_set, "alone")[0].read_text()
    met, both, judge = [], threading.Barrier(2), measure.quality

    def judged_beside_another(*args):
        if len(met) < 2:
            met.append(threading.get_ident())
            both.wait(300)
        return judge(*args)

    monkeypatch.setattr(stage, "this_machine", lambda: Machine(2, 2**36))
    monkeypatch.setattr(measure, "quality", judged_beside_another)
    assert run(synthetic_set, "together")[0].read_text() == alone
    assert len(set(met)) == 2


def test_the_audit_holds_quality_and_privacy_of_every_generator(run, phantom_set, synthetic_set, capsys):
    found = run(synthetic_set)[1]
    assert found["features"] == "EfficientNet-Lite0 pretrained on ImageNet, 3936 features at 128 x 128 pixels"
    figures = {"kid", "kid_std", "fid", "precision", "recall", "density", "coverage"}
    assert [(row["class"], row["generator"]) for row in found["quality"]] == CELLS
    for row in found["quality"]:
        assert set(row) == figures | {"class", "generator", "floor", "real_images", "synthetic_images"}
        assert set(row["floor"]) == figures
        assert row["real_images"] == row["synthetic_images"] == 30
        assert row["kid"] > row["floor"]["kid"]
        assert row["fid"] > 2 * row["floor"]["fid"]
    assert [(row["class"], row["generator"]) for row in found["memorisation"]] == CELLS
    for row in found["memorisation"]:
        assert row["interval"][0] <= row["share_closer_to_training"] <= row["interval"][1]
        assert row["flagged"] == 0
        assert (row["synthetic_images"], row["held_out_images"]) == (EACH, 12)
        assert len(row["closest"]) == 10
        distances = [pair["distance"] for pair in row["closest"]]
        assert distances == sorted(distances)
        pair = row["closest"][0]
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(pair["picture"]))))
        at = [
            synthetic_set.paths.tolist().index(pair["synthetic_path"]),
            phantom_set.paths.tolist().index(pair["real_path"]),
        ]
        assert np.array_equal(picture[:, :32], synthetic_set.images[at[0]])
        assert np.array_equal(picture[:, -32:], phantom_set.images[at[1]])
        assert phantom_set.classes[phantom_set.labels[at[1]]] == row["class"]
        matches = [phantom_set.paths.tolist().index(pair["real_path"]) for pair in row["closest"]]
        number = int(row["generator"][-1])
        assert not phantom_set.validation_mask(number)[matches].any()  # they are training images of this GAN

    events = [event for event in map(parse, capsys.readouterr().out.splitlines()) if event]
    assert {event.unit for event in events} == {"qualities", "privacies"}
    assert all(event.done <= event.planned for event in events)


def test_the_same_seed_writes_the_same_bits(run, synthetic_set):
    first, second = (run(synthetic_set, name)[0].read_bytes() for name in ("first", "second"))
    assert first == second


def test_a_generator_that_gives_training_images_back_is_found_out(run, phantom_set, synthetic_set):
    given_back = phantom_set.images[phantom_set.validation_mask(1) & (phantom_set.labels == 1)]
    images = synthetic_set.images.copy()
    for start in range(0, len(images), EACH):
        images[start : start + len(given_back)] = given_back[:, :, ::-1]
    found = run(dataclasses.replace(synthetic_set, images=images))[1]["memorisation"]
    rows = {(row["class"], row["generator"]): row for row in found}
    assert rows["malignant", "gan-0"]["flagged"] == len(given_back) == 12
    assert rows["malignant", "gan-0"]["closest"][0]["distance"] < 0.01
    # GAN 1 never saw these images, nor did those of the other class.
    assert [rows[cell]["flagged"] for cell in CELLS if cell != ("malignant", "gan-0")] == [0, 0, 0]


def test_generators_are_told_by_class_source_and_number(synthetic_set):
    groups = np.where(synthetic_set.groups == "gan-1", "my-set-10", "my-set-9")
    found = generators_of(dataclasses.replace(synthetic_set, groups=groups))
    assert [(one.label, one.source, one.number) for one in found] == [
        (0, "my-set", 9),
        (0, "my-set", 10),
        (1, "my-set", 9),
        (1, "my-set", 10),
    ]
    assert found[1].rows.tolist() == list(range(EACH, 2 * EACH))
    assert len({one.seed(0) for one in found}) == 4


@pytest.fixture
def privacy(phantom_set, phantom_test_set, synthetic_set):
    """Return a function that measures the privacy of the synthetic set with other images and groups."""

    def measured(**changed) -> list[dict]:
        synthetic = dataclasses.replace(synthetic_set, **changed)
        return measure_privacy(synthetic, phantom_set, phantom_test_set, generators_of(synthetic), 3)

    return measured


def mixed(imageset: ImageSet, labels: np.ndarray) -> np.ndarray:
    """Return no copies: of each label an image with a quarter as much of another."""
    rng = np.random.default_rng(0)
    first, second = (
        np.array([rng.choice(np.flatnonzero(imageset.labels == label)) for label in labels]) for _ in range(2)
    )
    return (imageset.images[first] * 0.8 + imageset.images[second] * 0.2).astype(np.uint8)


def test_a_generator_that_has_seen_the_test_set_is_found_out(privacy, phantom_test_set, phantom_set, synthetic_set):
    for row in privacy(images=mixed(phantom_test_set, synthetic_set.labels)):
        assert row["test_interval"][0] > 0.5
    for row in privacy(images=mixed(phantom_set, synthetic_set.labels)):
        assert row["test_interval"][0] < 0.5


def test_other_sources_are_held_against_the_test_set(privacy, phantom_set, synthetic_set):
    groups = np.where(synthetic_set.groups == "gan-1", "other-1", "other-0")
    for row in privacy(images=mixed(phantom_set, synthetic_set.labels), groups=groups):
        assert row["test_interval"][1] < 0.5 < row["interval"][0]
        assert row["share_closer_to_test"] == pytest.approx(1 - row["share_closer_to_training"])
        assert row["held_out_images"] == 30


def test_distinct_pictures_are_counted(privacy, synthetic_set, phantom_test_set, capsys):
    found = privacy(images=phantom_test_set.images[np.arange(len(synthetic_set)) % 3])
    assert [row["distinct_images"] for row in found] == [3] * 4
    assert "gan-0: only 3 of 90 pictures of malignant differ: it has collapsed" in capsys.readouterr().out
    assert [row["synthetic_images"] for row in found] == [EACH] * 4
