"""Slots: who has one, who waits, and that none is lost."""

import os
import subprocess
import sys
import threading
import time

import pytest

from components.contracts import slots
from components.contracts.slots import make_slots, slot, spare_slot, wanted


@pytest.fixture
def folder(tmp_path, monkeypatch):
    make_slots(tmp_path / "slots", 2)
    monkeypatch.setenv(slots.VARIABLE, str(tmp_path / "slots"))
    return tmp_path / "slots"


def wait_for(condition) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_there_are_no_more_than_were_made_and_those_given_back_are_free_again(folder):
    with slot():
        spare = spare_slot()
        assert spare is not None
        assert spare_slot() is None
        os.close(spare)
        again = spare_slot()
        assert again is not None
        os.close(again)
    both = [spare_slot(), spare_slot()]
    assert None not in both
    for handle in both:
        os.close(handle)


def test_a_cell_waits_for_its_slot_and_comes_before_helpers(folder):
    held = [spare_slot(), spare_slot()]
    worked = threading.Event()

    def cell():
        with slot():
            worked.set()

    waiting = threading.Thread(target=cell)
    assert not wanted()
    waiting.start()
    wait_for(wanted)
    assert not worked.is_set()
    assert spare_slot() is None
    os.close(held[0])
    waiting.join(300)
    assert worked.is_set()
    assert not wanted()
    os.close(held[1])


def test_a_killed_process_leaves_its_slot_to_others(folder):
    held = [spare_slot(), spare_slot()]
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=held) as process:
        for handle in held:
            os.close(handle)
        assert spare_slot() is None
        process.kill()
    free = spare_slot()
    assert free is not None
    os.close(free)


def test_alone_on_its_machine_a_stage_waits_for_nothing(monkeypatch):
    monkeypatch.delenv(slots.VARIABLE, raising=False)
    with slot():
        assert not wanted()
        spare = spare_slot()
        assert spare is not None
        os.close(spare)
