"""The stage `embed`: which images, in which views, and what the folder of features says when it is wrong."""

import dataclasses
import json
import shutil
import threading

import numpy as np
import pytest
import torch

from components.contracts.arms import parse_arms
from components.contracts.errors import InputError
from components.contracts.features import VIEWS, measured_rows, read_features
from components.contracts.machine import Machine
from components.embed import embed as stage
from components.embed.embed import embed, input_size, views_of
from components.embed.wanted import wanted


@pytest.fixture(scope="module")
def many(colour_set):
    """Two classes of 60 images of 32 x 32 pixels."""
    return colour_set(60, size=32)


@pytest.fixture(scope="module")
def sets(many):
    """Four development images, two of each class, the same as test images."""

    def some(rows, split):
        names = ("images", "paths", "labels", "folds", "groups", "sha256")
        parts = {name: getattr(many, name)[rows] for name in names}
        return dataclasses.replace(many, splits=np.full(len(rows), split), **parts)

    return {"development": some([0, 1, 60, 61], "development"), "test": some([0, 60, 62], "test")}


def embedded(sets, folder, rows=None, views=1):
    rows = rows or {name: np.arange(len(imageset)) for name, imageset in sets.items()}
    embed(sets, rows, {"development": views, "test": 1}, gpus="", threads=1, features_folder=folder)
    return read_features(folder)


@pytest.fixture(scope="module")
def folder(sets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    embedded(sets, folder, {"development": np.array([0, 3]), "test": np.arange(3)}, views=VIEWS)
    return folder


def test_the_same_image_has_the_same_features_wherever_it_stands(sets, folder):
    features = read_features(folder)
    development = features.open("development", sets["development"])
    test = features.open("test", sets["test"])
    assert features.dimensions == 3936
    assert features.extractor == "EfficientNet-Lite0 pretrained on ImageNet, 3936 features at 128 x 128 pixels"
    assert np.array_equal(development.of(np.array([0]))[:, 0], test.of(np.array([0]))[:, 0])
    assert np.array_equal(test.of(np.array([2, 0])), test.of(np.array([0, 2]))[::-1])


def test_views_are_the_flips_and_turns(sets, folder, tmp_path):
    views = read_features(folder).open("development", sets["development"]).of(np.array([3]), VIEWS)[0]
    image = sets["development"].images[3]
    turned = [np.rot90(way, turns) for way in (image, image[:, ::-1]) for turns in range(4)]
    each = dataclasses.replace(
        sets["development"],
        images=np.stack(turned),
        **{name: np.repeat(getattr(sets["development"], name), 2) for name in ("paths", "labels", "splits", "folds")},
        groups=np.arange(8).astype(str),
        sha256=np.arange(8).astype(str),
    )
    single = embedded({"development": each, "test": sets["test"]}, tmp_path).open("development", each)
    np.testing.assert_allclose(views, single.of(np.arange(8))[:, 0], rtol=0.05, atol=0.05)
    assert len({view.tobytes() for view in views}) == VIEWS
    assert len({view.numpy().tobytes() for view in views_of(torch.arange(27.0).reshape(1, 3, 3, 3))}) == VIEWS


def test_what_is_embedded_does_not_depend_on_the_chunk(sets, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "CHUNK_PIXELS", 1)
    again = embedded(sets, tmp_path).open("test", sets["test"]).of(np.arange(3))
    whole = read_features(folder).open("test", sets["test"]).of(np.arange(3))
    np.testing.assert_allclose(again, whole, rtol=0.02, atol=0.02)


def test_workers_share_chunks_on_all_processors_and_give_the_same_bits(many, sets, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "CHUNK_PIXELS", 3 * 128 * 128)
    rows = {"development": np.arange(0, 120, 9), "test": np.arange(3)}
    wanted = {"development": many, "test": sets["test"]}

    def values(cores, folder):
        monkeypatch.setattr(stage, "this_machine", lambda: Machine(cores, 64 * 2**30))
        features = embedded(wanted, folder, rows)
        return [features.open(name, one).of(rows[name]) for name, one in wanted.items()]

    alone = values(1, tmp_path / "alone")
    met: list[int] = []
    both, turn = threading.Barrier(2), views_of

    def views_with_another_worker(images):
        assert torch.get_num_threads() == 1
        if len(met) < 2:
            met.append(threading.get_ident())
            both.wait(300)
        return turn(images)

    monkeypatch.setattr(stage, "views_of", views_with_another_worker)
    together = values(2, tmp_path / "together")
    assert len(set(met)) == 2  # and at one time, as neither waited for the other in vain
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_as_many_workers_as_processors_and_memory_allow(monkeypatch):
    monkeypatch.setattr(stage, "this_machine", lambda: Machine(16, 64 * 2**30))
    assert [stage.workers_for(128, 8, threads) for threads in (1, 2, 5)] == [16, 8, 3]
    monkeypatch.setattr(stage, "this_machine", lambda: Machine(16, 4 * 2**30))
    assert stage.workers_for(128, 8, 1) == 8
    assert stage.workers_for(512, 8, 1) == 4  # eight views of so large a picture are two passes in one


def test_bfloat16_is_nearer_than_any_other_image(sets, tmp_path, monkeypatch):
    found = {}
    for kind in ("float32", "bfloat16"):
        monkeypatch.setattr(stage, "precision_of", lambda setting, device, kind=kind: kind)
        found[kind] = embedded(sets, tmp_path).open("development", sets["development"]).of(np.arange(4))[:, 0]
    exact, rough = found["float32"], found["bfloat16"]
    apart = np.linalg.norm(exact[:, None] - rough[None], axis=2)
    assert (apart.argmin(1) == np.arange(4)).all()
    assert np.diag(apart).max() < np.linalg.norm(exact[0] - exact[2]) / 5


def test_small_images_are_enlarged_and_others_rounded_up_to_what_the_network_halves():
    assert [input_size(size) for size in (16, 32, 128, 130, 224, 256, 512)] == [128, 128, 128, 160, 224, 256, 512]


def test_features_that_are_not_there_are_named(sets, folder):
    features = read_features(folder)
    development = features.open("development", sets["development"])
    with pytest.raises(InputError, match=r"development\.npy: row 1 of the image set has no features"):
        development.of(np.array([0, 1]))
    with pytest.raises(InputError, match=r"test\.npy: holds 1 views an image, 8 are needed"):
        features.open("test", sets["test"]).of(np.array([0]), VIEWS)
    with pytest.raises(InputError, match="has no set 'synthetic', only development, test"):
        features.open("synthetic", sets["test"])
    with pytest.raises(InputError, match="'test' are features of other images"):
        features.open("test", sets["development"])


def test_a_broken_folder_is_refused_by_the_file(sets, folder, tmp_path):
    def broken(change):
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        change(copy)
        return read_features(copy).open("test", sets["test"])

    with pytest.raises(InputError, match=r"features\.json: not a list of features"):
        broken(lambda copy: (copy / "features.json").write_text(json.dumps({"extractor": "x"})))
    with pytest.raises(InputError, match=r"test\.npy: holds float32"):
        broken(lambda copy: np.save(copy / "test.npy", np.zeros((3, 1, 3936), np.float32)))
    with pytest.raises(InputError, match=r"test\.npy: not a packed array"):
        broken(lambda copy: (copy / "test.npy").write_bytes(b"no"))
    with pytest.raises(InputError, match=r"test-rows\.npy: not rising row numbers of 3 images"):
        broken(lambda copy: np.save(copy / "test-rows.npy", np.array([0, 2, 1])))
    with pytest.raises(InputError, match=r"test-rows\.npy: the file is missing"):
        broken(lambda copy: (copy / "test-rows.npy").unlink())


def test_an_empty_set_has_features_of_no_row(sets, tmp_path):
    features = embedded(sets, tmp_path, {"development": np.arange(1), "test": np.empty(0, np.int64)})
    assert features.open("test", sets["test"]).of(np.empty(0, np.int64)).shape == (0, 1, 3936)


def test_only_what_a_run_looks_at_is_wanted(many, sets, monkeypatch):
    synthetic = dataclasses.replace(
        many, splits=np.full(120, "synthetic"), groups=np.where(np.arange(120) % 2, "gan-0", "gan-1")
    )
    all_sets = {"development": many, "test": sets["test"], "synthetic": synthetic, "external": sets["test"]}
    rows, views = wanted(all_sets, parse_arms(["real", "traditional"]), "pretrained", 0)
    assert {name: len(found) for name, found in rows.items()} == {
        "development": 120,
        "test": 3,
        "synthetic": 120,
        "external": 3,
    }
    assert views == {"development": VIEWS, "test": 1, "external": 1, "synthetic": 1}
    both = wanted(all_sets, parse_arms(["real", "traditional+gan:5"]), "pretrained", 0)[1]
    assert both == {"development": VIEWS, "test": 1, "external": 1, "synthetic": VIEWS}
    assert set(wanted(all_sets, parse_arms(["real", "gan:5"]), "pretrained", 0)[1].values()) == {1}

    monkeypatch.setattr("components.contracts.features.MOST_MEASURED", 10)
    rows, views = wanted(all_sets, parse_arms(["real", "traditional"]), "paper", 0)
    assert {name: len(found) for name, found in rows.items() if len(found)} == {"development": 20, "synthetic": 40}
    assert set(views.values()) == {1}
    assert rows["synthetic"][:4].tolist() == [0, 1, 2, 3]
    without = all_sets | {"synthetic": synthetic.subset(slice(0))}
    assert not any(map(len, wanted(without, parse_arms(["real", "traditional"]), "paper", 0)[0].values()))
    assert measured_rows(many, 0).tolist() == measured_rows(many, 0).tolist()
    assert measured_rows(many, 0).tolist() != measured_rows(many, 1).tolist()
