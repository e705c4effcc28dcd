"""The quality figures on sets of which is known how good they are."""

import dataclasses

import numpy as np
import pytest
from PIL import Image, ImageFilter

from components.audit.quality import quality
from components.contracts.features import read_features
from components.embed.embed import embed
from pipelines.phantoms.drawing import draw_phantom

COUNT, SIZE = 60, 64


def drawn(label: int, start: int, count: int) -> np.ndarray:
    return np.stack([draw_phantom(label, i, size=SIZE, seed=0) for i in range(start, start + count)])


@pytest.fixture(scope="module")
def figures(colour_set, tmp_path_factory):
    """What is planted -> the figures of quality, from the features that a run would have."""
    fresh = drawn(1, 2 * COUNT, COUNT)
    rng = np.random.default_rng(0)
    planted = {
        "real": drawn(1, 0, 2 * COUNT),
        "copies": drawn(1, 0, COUNT),
        "as good as real": fresh,
        "slight noise": np.clip(fresh + rng.normal(0, 5, fresh.shape), 0, 255).astype(np.uint8),
        "noise": np.clip(fresh + rng.normal(0, 20, fresh.shape), 0, 255).astype(np.uint8),
        "slightly blurred": np.stack([Image.fromarray(i).filter(ImageFilter.GaussianBlur(0.5)) for i in fresh]),
        "blurred": np.stack([Image.fromarray(i).filter(ImageFilter.GaussianBlur(1.5)) for i in fresh]),
        "other class": drawn(0, 0, COUNT),
        "four images over and over": fresh[np.arange(COUNT) % 4],
    }
    sets = {}
    for name, images in planted.items():
        labelled = colour_set(len(images) // 2, size=8)
        sets[name] = dataclasses.replace(labelled, images=images, sha256=np.full(len(images), name))
    folder = tmp_path_factory.mktemp("features")
    rows = {name: np.arange(len(images)) for name, images in planted.items()}
    embed(sets, rows, dict.fromkeys(sets, 1), gpus="", threads=1, features_folder=folder)
    opened = read_features(folder)
    features = {name: opened.open(name, sets[name]).of(rows[name])[:, 0].astype(np.float64) for name in sets}
    real = features.pop("real")
    return {name: quality(real, np.arange(len(real)), made, 0) for name, made in features.items()}


@pytest.mark.parametrize("figure", ["kid", "fid"])
def test_distances_grow_with_what_is_wrong(figures, figure):
    value = {name: row[figure] for name, row in figures.items()}
    floor = figures["as good as real"]["floor"][figure]
    for wrong in ("noise", "blurred", "other class", "four images over and over"):
        assert abs(value["as good as real"] - floor) < value[wrong] - floor, wrong
    assert floor < value["slight noise"] < value["noise"]
    assert floor < value["slightly blurred"] < value["blurred"]
    assert floor < value["other class"]
    assert floor < value["four images over and over"]


@pytest.mark.parametrize("figure", ["kid", "fid"])
def test_distances_rank_copies_before_real_images_another_class_and_spoilt_ones(figures, figure):
    value = {name: row[figure] for name, row in figures.items()}
    assert value["copies"] < value["as good as real"] < value["other class"] < min(value["blurred"], value["noise"])


@pytest.mark.parametrize("figure", ["recall", "density", "coverage"])
def test_shares_rank_them_the_same_way(figures, figure):
    value = {name: row[figure] for name, row in figures.items()}
    worst = max(value["blurred"], value["noise"])
    assert value["copies"] > value["as good as real"] > worst
    assert value["other class"] > worst


def test_recall_and_coverage_tell_a_few_images_over_and_over(figures):
    collapsed, good = figures["four images over and over"], figures["as good as real"]
    assert collapsed["recall"] < 0.1 < good["recall"]
    assert collapsed["coverage"] < good["coverage"] - 0.2
    assert collapsed["precision"] > figures["noise"]["precision"]
