"""From pixels to an evaluation: what `embed` chooses to embed is what the heads of all arms need."""

import json

import numpy as np
import pytest

from components.contracts.arms import parse_arms
from components.contracts.features import read_features
from components.embed.embed import embed
from components.embed.wanted import wanted
from components.evaluate.evaluate import evaluate
from components.train_classifier.train_heads import train_heads


@pytest.mark.parametrize("turned", ["traditional", "traditional+gan:4"])
def test_every_arm_finds_the_features_it_needs(colour_set, tmp_path, turned):
    sets = {name: colour_set(10, split=name) for name in ("development", "test", "synthetic", "external")}
    arms = parse_arms(["real", turned, "gan:4", "only-gan:5"])
    embed(sets, *wanted(sets, arms, "pretrained", 0), gpus="", threads=1, features_folder=tmp_path / "features")
    features = read_features(tmp_path / "features")
    for arm in arms:
        given = (sets["development"], sets["synthetic"], features, arm)
        train_heads(*given, 2, 0, threads=1, models_folder=tmp_path / arm.name)
        tested = (sets["test"], sets["external"])
        evaluate(tmp_path / arm.name, *tested, 0.9, tmp_path / "out", threads=1, features=features)
        found = json.loads((tmp_path / "out/evaluation.json").read_text())
        assert found["features"] == features.extractor
        assert np.mean([replicate["auc"] for replicate in found["replicates"]]) > 0.9, arm.name
