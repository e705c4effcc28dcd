import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from components.contracts.imageset import write_imageset
from components.storage.checkpoint_store import checkpoint_place, open_store
from components.train_gan import train as train_module
from components.train_gan.checkpoint import checkpoint_key, load_latest, save
from components.train_gan.train import train_gan
from components.train_gan.training import GanSettings, Training

ROOT = Path(__file__).parents[3]
SETTINGS = GanSettings(epochs=4, batch_size=6, latent=8, width=4, flips=True, average=0.9, checkpoint_updates=1)
FILES = ("generator.safetensors", "losses.csv", "progress.npy")
UPDATES = 3  # a pass
LONG = replace(SETTINGS, epochs=40, checkpoint_updates=5 * UPDATES)
LAST = LONG.epochs * UPDATES
SCRIPT = f"""
import sys
from components.contracts.imageset import read_imageset
from components.train_gan.train import train_gan
from components.train_gan.training import GanSettings
train_gan(read_imageset(sys.argv[1]), "benign", 0, 1, 16, {LONG!r}, gpus="", threads=1,
          checkpoints=sys.argv[2], generator_folder=sys.argv[3])
"""


def train(development, folder, checkpoints, settings=SETTINGS, seed=1):
    train_gan(
        development,
        "benign",
        0,
        seed,
        development.image_size,
        settings,
        gpus="",
        threads=1,
        checkpoints=checkpoints or "",
        generator_folder=folder,
    )
    return [(folder / name).read_bytes() for name in FILES]


def update_of(path):
    return int(path.stem.rsplit("-", 1)[1])


@pytest.fixture
def no_updates(monkeypatch):
    """Make any further update of a network fail the test."""

    def update(*_):
        pytest.fail("trained again")

    monkeypatch.setattr(Training, "update", update)


def test_a_killed_training_goes_on_to_the_same_bits(development, tmp_path):
    uninterrupted = train(development, tmp_path / "uninterrupted", None, LONG)
    write_imageset(tmp_path / "set", development)
    checkpoints = tmp_path / "checkpoints"
    command = [sys.executable, "-c", SCRIPT, tmp_path / "set", checkpoints, tmp_path / "generator"]

    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not list(checkpoints.glob("benign-*.safetensors")):
        assert process.poll() is None, "it ended before its first checkpoint"
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -9
    kept = max(checkpoints.glob("benign-*.safetensors"), key=update_of)
    assert update_of(kept) < LAST
    assert not (tmp_path / "generator").exists()

    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f" {update_of(kept)}/{LAST} updates\n" in again.stdout
    assert [(tmp_path / "generator" / name).read_bytes() for name in FILES] == uninterrupted


def test_a_finished_training_is_not_done_again(development, tmp_path, request):
    first = train(development, tmp_path / "one", tmp_path / "checkpoints")
    request.getfixturevalue("no_updates")
    assert train(development, tmp_path / "two", tmp_path / "checkpoints") == first


def test_only_the_newest_checkpoint_of_a_training_is_kept(development, tmp_path):
    train(development, tmp_path / "one", tmp_path / "checkpoints")
    train(development, tmp_path / "two", tmp_path / "checkpoints", seed=2)
    kept = list((tmp_path / "checkpoints").iterdir())
    assert [update_of(path) for path in kept] == [4 * UPDATES] * 2


@pytest.mark.parametrize("interval", [8, 100])
def test_checkpoints_come_at_their_interval_and_at_the_end(development, tmp_path, monkeypatch, interval):
    saved = []
    monkeypatch.setattr(train_module, "save", lambda folder, key, update, *_: saved.append(update))
    train(development, tmp_path / "one", tmp_path, replace(SETTINGS, epochs=7, checkpoint_updates=interval))
    assert saved == ([9, 18, 21] if interval == 8 else [21])  # at the end of a pass


def test_whatever_decides_the_result_makes_another_key(development):
    pixels = development.images

    def key(settings=SETTINGS, class_name="benign", replicate=0, seed=1, pixels=pixels):
        return checkpoint_key(settings, class_name, replicate, seed, pixels)

    changed = pixels.copy()
    changed[3, 2, 1, 0] ^= 1
    others = [
        key(class_name="malignant"),
        key(replicate=1),
        key(seed=2),
        key(pixels=changed),
        key(pixels=pixels[::-1]),
        *(
            key(replace(SETTINGS, **change))
            for change in (
                {"updates": 5},
                {"epochs": 5},
                {"precision": "bfloat16"},
                {"batch_size": 7},
                {"learning_rate": 1e-4},
                {"beta1": 0.6},
                {"latent": 9},
                {"width": 5},
                {"flips": False},
                {"average": 0.8},
            )
        ),
    ]
    assert len({key(), *others}) == 1 + len(others)
    assert key(replace(SETTINGS, checkpoint_updates=50)) == key()


def test_a_damaged_checkpoint_is_reported_and_the_training_starts_anew(development, tmp_path, capsys):
    first = train(development, tmp_path / "one", tmp_path / "checkpoints")
    (kept,) = (tmp_path / "checkpoints").iterdir()
    whole = kept.read_bytes()
    capsys.readouterr()
    for damage in (whole[: len(whole) // 2], whole[:5], b""):
        kept.write_bytes(damage)
        assert train(development, tmp_path / "two", tmp_path / "checkpoints") == first
        lines = [line for line in capsys.readouterr().out.splitlines() if "gansweep progress" not in line]
        assert len(lines) == 1
        assert kept.name in lines[0]
        assert "damaged checkpoint ignored" in lines[0]
        assert len(kept.read_bytes()) >= len(whole) - 20


def test_what_is_saved_is_loaded(tmp_path):
    store = open_store(tmp_path)
    assert load_latest(open_store(tmp_path / "missing"), "a-0-key") is None
    save(store, "a-0-key", 3, {"seconds": 0.5}, {"x": torch.arange(3)})
    older = tmp_path / "a-0-key-00000003.safetensors"
    kept = older.read_bytes()
    save(store, "a-0-key", 12, {"seconds": 1.5}, {"x": torch.arange(4)})
    assert not older.exists()
    older.write_bytes(kept)
    header, tensors = load_latest(store, "a-0-key")
    assert header == {"seconds": 1.5}
    assert tensors["x"].tolist() == [0, 1, 2, 3]
    assert load_latest(store, "a-0-ke") is None


def test_the_place_is_named_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("GANSWEEP_CHECKPOINTS", raising=False)
    assert open_store(checkpoint_place()) is None
    monkeypatch.setenv("GANSWEEP_CHECKPOINTS", str(tmp_path))
    assert open_store(checkpoint_place()).folder == tmp_path
