"""Helpers: how many there are, what they leave, what is told of their errors, and that none outlives its stage."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import keras
import numpy as np
import pytest

from components.contracts import slots
from components.contracts.arms import parse_arm
from components.contracts.classifier import chosen, save_classifier
from components.contracts.errors import InputError
from components.contracts.imageset import read_imageset, write_imageset
from components.contracts.machine import Machine
from components.train_classifier import helpers as helping
from components.train_classifier.helpers import Helpers, Job
from components.train_classifier.replicates import ClassifierSettings
from components.train_classifier.share import SharedWork
from components.train_classifier.train import train_classifier

GIB = 2**30
SETTINGS = ClassifierSettings(epochs=3, batch_size=8, learning_rate=2e-3, dropout=0.25, patience=1)
PAPER = chosen("paper", "", "all", "weights")
REPOSITORY = Path(__file__).parents[3]


def wait_for(condition) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def a_machine_of_16_cores(monkeypatch):
    """Helpers pay at once, and no slots are those of another test."""
    monkeypatch.setattr(helping, "this_machine", lambda: Machine(16, 64 * GIB))
    monkeypatch.setattr(helping, "peak_memory", lambda: GIB)
    monkeypatch.setattr(helping, "SECONDS_TO_START", 0)
    monkeypatch.delenv(slots.VARIABLE, raising=False)


@pytest.fixture(scope="module")
def job(tmp_path_factory, colour_set):
    """What a stage was given, in files."""
    folder = tmp_path_factory.mktemp("given")
    write_imageset(folder / "development", colour_set(15))
    write_imageset(folder / "synthetic", colour_set(6, split="synthetic"))
    save_classifier(folder / "network", PAPER, None)
    paths = (str(folder / name) for name in ("development", "synthetic", "network", "models"))
    return Job(*paths, "traditional+gan:6", 7, dataclasses.asdict(SETTINGS), 1)


@pytest.fixture
def idle(job, tmp_path):
    """Return a function that gives helpers of so many replicates, which do nothing but wait for their end."""
    with ExitStack() as stack:

        def start(replicates: int, name: str = "work") -> Helpers:
            (tmp_path / name).mkdir()
            work = SharedWork(tmp_path / name, replicates)
            next(work.claims())  # the stage's own
            helpers = stack.enter_context(Helpers(job, work))
            helpers._command = [sys.executable, "-S", "-c", "input()"]
            return helpers

        yield start


def started(helpers: Helpers, looks: int = 20) -> int:
    for _ in range(looks):
        helpers.look()
    return len(helpers._running)


def test_a_helper_gives_the_same_bits(job, tmp_path, monkeypatch, capfd):
    def trained(name, given):
        folder = tmp_path / name
        sets = read_imageset(job.development_set), read_imageset(job.synthetic_set)
        train_classifier(
            *sets, parse_arm(job.arm), 2, job.seed, SETTINGS, PAPER, threads=1, models_folder=folder, helped_with=given
        )
        training = json.loads((folder / "training.json").read_text())
        training.pop("seconds")
        weights = [keras.saving.load_model(folder / f"replicate-{r}.keras").get_weights() for r in range(2)]
        return training, weights, np.load(folder / "validation.npy"), np.load(folder / "development_labels.npy")

    claimed, look = [], Helpers.look

    def until_helped(self):
        look(self)
        wait_for(lambda: len(self._work.claimed_by()) == 2)
        claimed[:] = self._work.claimed_by()

    alone = trained("alone", None)
    monkeypatch.setattr(Helpers, "look", until_helped)
    helped = trained("helped", dataclasses.replace(job, models=str(tmp_path / "helped")))
    assert claimed[0] == os.getpid() != claimed[1]
    assert helped[0] == alone[0]
    for one, other in zip(helped[1], alone[1], strict=True):
        assert all(map(np.array_equal, one, other))
    np.testing.assert_array_equal(helped[2], alone[2])
    np.testing.assert_array_equal(helped[3], alone[3])
    assert "progress train_classifier traditional+gan:6 6/6 epochs" in capfd.readouterr().out
    left = [sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("helped", "alone")]
    assert left[0] == left[1]


def test_what_a_helper_refuses_is_refused_by_the_stage_once(job, tmp_path, capfd):
    work = SharedWork(tmp_path, 3)
    with Helpers(dataclasses.replace(job, network=str(tmp_path / "nowhere")), work) as helpers:
        helpers.look()
        wait_for(lambda: helpers._running[0].poll() is not None)
        with pytest.raises(InputError, match=r"nowhere/classifier\.json: the file is missing"):
            helpers.look()
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_helper_that_is_killed_or_broken_stops_the_stage(idle, job, tmp_path):
    helpers = idle(3)
    helpers.look()
    helpers._running[0].kill()
    wait_for(lambda: helpers._running[0].poll() is not None)
    with pytest.raises(RuntimeError, match=r"a helper was killed \(status -9\), perhaps for want of memory"):
        helpers.look()
    work = SharedWork(tmp_path, 3)
    with Helpers(job, work) as helpers:
        work.fail(MemoryError("too much"))
        helpers.look()
        helpers._running[0].kill()
        wait_for(lambda: helpers._running[0].poll() is not None)
        with pytest.raises(RuntimeError, match="MemoryError: too much"):
            helpers.look()


def test_no_helper_outlives_its_stage(idle, job, tmp_path):
    helpers = idle(3)
    helpers.look()
    (process,) = helpers._running
    helpers.__exit__(None, None, None)
    assert process.poll() is not None

    words = json.dumps({"job": dataclasses.asdict(job), "work": str(tmp_path), "replicates": 2})
    command = [sys.executable, "-m", "components.train_classifier.helper", words]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, cwd=REPOSITORY) as process:
        process.communicate(timeout=300)  # a pipe is closed when the process at its other end is killed, too
    assert process.returncode == 1
    assert SharedWork(tmp_path, 2).failure() is None
    assert SharedWork(tmp_path, 2).claimed_by() == []


def test_all_processors_are_used_but_no_more_helpers_than_replicates(idle, monkeypatch):
    assert started(idle(40, "many")) == 15
    assert started(idle(5, "few")) == 4
    assert started(idle(1, "one")) == 0
    monkeypatch.setattr(helping, "this_machine", lambda: Machine(16, 8 * GIB))
    assert started(idle(40, "little memory")) == 3
    monkeypatch.setattr(helping, "peak_memory", lambda: 4 * GIB)
    assert started(idle(40, "a large network")) == 1


def test_cells_of_a_loop_share_what_is_idle(idle, tmp_path, monkeypatch):
    slots.make_slots(tmp_path / "slots", 16)
    monkeypatch.setenv(slots.VARIABLE, str(tmp_path / "slots"))
    with slots.slot(), ExitStack() as others:
        for _ in range(13):
            others.enter_context(slots.slot())
        helpers = idle(20)
        assert started(helpers) == 2
        others.close()  # the other arms are done: the last has all that they leave
        assert started(helpers) == 15


def test_an_arm_that_is_soon_done_has_none(idle, monkeypatch):
    monkeypatch.setattr(helping, "SECONDS_TO_START", 3600)
    assert started(idle(20)) == 0


def test_helpers_that_come_too_late_are_ended(idle):
    helpers = idle(3)
    assert started(helpers) == 2
    list(helpers._work.claims())  # the stage's own was faster
    assert not helpers.working()
