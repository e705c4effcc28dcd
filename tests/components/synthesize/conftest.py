"""What the tests of `synthesize` need: untrained generators, and the stage with GANs and with external sets."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from components.contracts.arms import parse_arms
from components.contracts.imageset import read_imageset
from components.generators.networks import Generator, initialise
from components.synthesize.synthesize import synthesize


@pytest.fixture
def generator(tmp_path):
    """Return a function that writes an untrained generator with its curves, as `train_gan` would, and its folder."""

    def write(name: str, replicate: int, image_size: int = 32) -> Path:
        folder = tmp_path / f"generator-{name}-{replicate}-{image_size}"
        folder.mkdir()
        network = Generator(latent=8, width=4, image_size=image_size)
        initialise(network, torch.Generator().manual_seed(len(name) + replicate))
        save_file(network.state_dict(), folder / "generator.safetensors")
        about = {"class": name, "replicate": replicate, "latent": 8, "width": 4, "image_size": image_size}
        (folder / "gan.json").write_text(json.dumps(about))
        (folder / "losses.csv").write_text("update,loss_d,loss_g,score_real,score_fake\n1,0.7,0.7,0.5,0.5\n")
        np.save(folder / "progress.npy", np.zeros((2, 16, image_size, image_size, 3), np.uint8), allow_pickle=False)
        return folder

    return write


@pytest.fixture
def run_gans(phantom_set, phantom_test_set, generator, tmp_path):
    """Return a function that runs the stage on phantoms with two generators a class, and its two folders."""
    folders = [generator(name, replicate) for name in ("malignant", "benign") for replicate in (1, 0)]

    def synthesized(
        name="first",
        development=phantom_set,
        arms=("real", "gan:20", "traditional+gan:150%"),
        on_leak="drop",
        external=None,
    ):
        synthetic, report = tmp_path / name / "set", tmp_path / name / "report"
        synthesize(
            folders,
            development,
            phantom_test_set,
            phantom_test_set.subset(slice(0)) if external is None else external,
            parse_arms(list(arms)),
            3,
            on_leak=on_leak,
            synthetic_sets={},
            max_bad_share=0.05,
            replicates=2,
            threads=1,
            synthetic_folder=synthetic,
            report_folder=report,
        )
        return synthetic, report

    return synthesized


@pytest.fixture
def run_sets(phantom_set, phantom_test_set, tmp_path):
    """Return a function that gathers sets for arms beside phantoms: the synthetic set and what is said of it."""

    def gathered(sets, *arms, seed=3, replicates=2, on_leak="drop", external=None, test=phantom_test_set):
        synthesize(
            [],
            phantom_set,
            test,
            phantom_test_set.subset(slice(0)) if external is None else external,
            parse_arms(["real", *arms]),
            seed,
            on_leak=on_leak,
            synthetic_sets=sets,
            max_bad_share=0.1,
            replicates=replicates,
            threads=1,
            synthetic_folder=tmp_path / "set",
            report_folder=tmp_path / "report",
        )
        return read_imageset(tmp_path / "set"), json.loads((tmp_path / "report" / "gathered.json").read_text())

    return gathered


@pytest.fixture(scope="module", autouse=True)
def one_torch_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
