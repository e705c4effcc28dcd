"""Checkpoints that outlive a pod: the training is killed, its folder is gone, and another one goes on."""

import re
import subprocess
import sys
import time

import pytest
import torch
from test_gan_checkpoints import FILES, LAST, LONG, ROOT, SCRIPT, train

import components.storage.bucket
import components.storage.checkpoint_store
from components.contracts.errors import InputError
from components.contracts.imageset import write_imageset
from components.storage.checkpoint_store import open_store
from components.train_gan.checkpoint import load_latest, save


@pytest.fixture
def place(bucket):
    """Return where the checkpoints go."""
    return f"{bucket.address}/checkpoints"


@pytest.fixture
def hasty(monkeypatch):
    """Make pauses and patience short."""
    monkeypatch.setattr(components.storage.bucket, "LONGEST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(components.storage.bucket, "PATIENCE_SECONDS", 1)


def updates(bucket):
    return [int(re.search(r"-(\d{8})\.safetensors$", item.name)[1]) for item in bucket.objects()]


def test_a_killed_training_goes_on_to_the_same_bits_on_a_bad_line(development, tmp_path, bucket, place, fault_proxy):
    uninterrupted = train(development, tmp_path / "uninterrupted", None, LONG)
    write_imageset(tmp_path / "set", development)
    command = [sys.executable, "-c", SCRIPT, tmp_path / "set", place, tmp_path / "generator"]

    for fault in ("cut-upload", "slow-down", "lost"):
        fault_proxy.fail(fault, method="PUT")
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not bucket.objects():
        assert process.poll() is None, "it ended before its first checkpoint"
        assert time.monotonic() < deadline
    process.kill()
    assert process.wait() == -9
    kept = max(updates(bucket))
    assert kept < LAST
    assert not (tmp_path / "generator").exists()

    for fault in ("cut", "garbled", "truncated"):
        fault_proxy.fail(fault)
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f" {kept}/{LAST} updates\n" in again.stdout
    assert [(tmp_path / "generator" / name).read_bytes() for name in FILES] == uninterrupted
    assert fault_proxy.pending == 0
    assert updates(bucket) == [LAST]


def test_a_half_written_checkpoint_is_never_read(bucket, place, fault_proxy, hasty, capsys):
    store = open_store(place)
    save(store, "a-0-key", 3, {"epoch": 3}, {"x": torch.arange(3)})
    fault_proxy.fail("cut-upload", times=1000, method="PUT")
    save(store, "a-0-key", 6, {"epoch": 6}, {"x": torch.arange(6)})
    assert re.fullmatch(
        r"train_gan: no checkpoint of update 6, training goes on \(GANSWEEP_CHECKPOINTS: .* no answer from .*\)",
        capsys.readouterr().out.splitlines()[-1],
    )
    assert load_latest(store, "a-0-key")[0] == {"epoch": 3}


def test_a_damaged_checkpoint_is_passed_over_for_an_older_one(bucket, place, tmp_path, capsys):
    store = open_store(place)
    save(store, "a-0-key", 3, {"epoch": 3}, {"x": torch.arange(3)})
    (tmp_path / "damaged").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    store.bucket.write("a-0-key-00000009.safetensors", tmp_path / "damaged")
    assert load_latest(store, "a-0-key")[0] == {"epoch": 3}
    assert "a-0-key-00000009.safetensors: damaged checkpoint ignored" in capsys.readouterr().out
    assert load_latest(store, "b-0-key") is None


def test_a_training_finds_out_at_once_that_it_may_not_keep_checkpoints(development, tmp_path, place, monkeypatch):
    monkeypatch.setenv("GANSWEEP_S3_SECRET_KEY", "wrong")
    with pytest.raises(InputError, match="^GANSWEEP_CHECKPOINTS: .* refuses the login"):
        train(development, tmp_path / "generator", place)


def test_a_training_waits_a_short_while_for_a_store_that_is_gone_and_goes_on(
    bucket, place, fault_proxy, monkeypatch, capsys
):
    """All patience is for what it reads: passes are worth more than their checkpoint."""
    monkeypatch.setattr(components.storage.bucket, "LONGEST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(components.storage.checkpoint_store, "SECONDS_TO_KEEP", 0.5)
    store = open_store(place)
    fault_proxy.fail("unavailable", times=10**6, method="PUT")
    save(store, "a-0-key", 3, {"epoch": 3}, {"x": torch.arange(3)})
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "no checkpoint of update 3" in line]
    assert "failed for 0.5 s" in line
