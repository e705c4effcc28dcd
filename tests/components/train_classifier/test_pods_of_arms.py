"""Arms that share a pod are trained and measured as each in a pod of its own."""

from types import SimpleNamespace

import numpy as np
import pytest

from components.contracts.classifier import chosen, save_classifier
from components.contracts.files import write_json
from components.contracts.imageset import write_imageset
from components.contracts.pods import folders_of
from components.evaluate.component import evaluate
from components.train_classifier.component import train_classifier

ARMS = ["real", "traditional"]
TRAINING = {"epochs": 2, "batch_size": 8, "learning_rate": 2e-3, "dropout": 0.25, "patience": 0}
PLACE = {"device": "auto", "gpus": "", "gpu_stages": []}


def artifact(path) -> SimpleNamespace:
    shown = {}
    return SimpleNamespace(
        path=str(path),
        metadata={},
        shown=shown,
        log_confusion_matrix=lambda *view: shown.update(matrix=view),
        log_roc_curve=lambda *view: shown.update(curve=view),
    )


@pytest.fixture
def in_pods(tmp_path, colour_set):
    """Return a function that trains and measures arms in one pod: their evaluations, what is shown of them."""
    sets = {name: artifact(tmp_path / name) for name in ("development", "synthetic", "test", "external")}
    for name, one in sets.items():
        write_imageset(one.path, colour_set(1 if name == "external" else 10, split=name))
    features, network = artifact(tmp_path / "features"), artifact(tmp_path / "network")
    about = {"extractor": "none", "weights": 0, "weights_sha256": "", "input_size": 0, "dimensions": 0, "sets": {}}
    write_json(tmp_path / "features" / "features.json", about)
    save_classifier(network.path, chosen("paper", "", "all", "weights"), None)

    def done(*arms: str) -> tuple[list, list[SimpleNamespace]]:
        name = "-".join(arms)
        models, evaluation, view = (artifact(tmp_path / f"{name}-{kind}") for kind in ("models", "evaluation", "view"))
        given = {"features": features, "synthetic_set": sets["synthetic"], "pod": {"arms": list(arms)}, "threads": 1}
        train_classifier.python_func(
            **given,
            development_set=sets["development"],
            network=network,
            models=models,
            replicates=1,
            seed=3,
            **TRAINING,
            **PLACE,
        )
        evaluate.python_func(
            **given,
            models=models,
            test_set=sets["test"],
            external_set=sets["external"],
            evaluation=evaluation,
            classification_metrics=view,
            target_sensitivity=0.9,
        )
        return folders_of(evaluation.path), [models, evaluation, view]

    return done


def test_arms_in_one_pod_give_what_each_gives_in_its_own_to_the_bit(in_pods):
    together, outputs = in_pods(*ARMS)
    assert [one.metadata["display_name"] for one in outputs] == [
        "models real, traditional",
        "evaluation real, traditional",
        "classification metrics real",
    ]
    for arm, folder in zip(ARMS, together, strict=True):
        [alone], shown = in_pods(arm)
        for name in ("probabilities.npy", "external.npy"):
            assert np.array_equal(np.load(folder / name), np.load(alone / name))
        assert (folder / "evaluation.json").read_text() == (alone / "evaluation.json").read_text()
        assert (shown[2].shown == outputs[2].shown) is (arm == "real")
