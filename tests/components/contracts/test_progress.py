import io
import subprocess
import sys

import pytest

from components.contracts.errors import InputError
from components.contracts.progress import Event, note, parse, report, stage, warn


def events(text: str) -> list[Event]:
    return [event for line in text.splitlines() if (event := parse(line))]


def test_what_a_stage_says_is_read_back_from_its_log(capsys):
    with stage("train_gan", "malignant/0"):
        report("train_gan", "malignant/0", 3, 20, "epochs", loss_d=0.51234, loss_g=2.0)
    started, progress, finished = events(capsys.readouterr().out)
    assert started == Event("started", "train_gan", "malignant/0")
    assert progress == Event(
        "progress", "train_gan", "malignant/0", 3, 20, "epochs", {"loss_d": "0.5123", "loss_g": "2"}
    )
    assert finished.kind == "finished"


def test_a_stage_that_fails_says_its_own_error_in_one_line(capsys):
    with pytest.raises(InputError), stage("prepare"):
        raise InputError("data_set: two\nlines")
    assert events(capsys.readouterr().out)[-1] == Event(
        "failed", "prepare", "-", error="InputError: data_set: two lines"
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("InputError: data_set: nothing there", "data_set: nothing there"),
        ("OutageError: data_set: no answer (S3Error: x)", "data_set: no answer (S3Error: x)"),
        ("ValueError: x", "ValueError: x"),
    ],
)
def test_a_sentence_for_users_stands_without_the_name_of_its_kind(error, reason):
    assert parse(f"gansweep failed plan - {error}").reason == reason


def test_notes_and_warnings_are_one_line_and_no_other_event(capsys):
    note("plan", "-", "classes: gansweep finished compare - 1 s")
    warn("prepare", "-", "two\nlines")
    assert events(capsys.readouterr().out) == [
        Event("note", "plan", "-", text="classes: gansweep finished compare - 1 s"),
        Event("warning", "prepare", "-", text="two lines"),
    ]


def test_events_are_found_behind_what_a_runner_puts_before_them_and_other_lines_are_none():
    assert parse("    gansweep started evaluate gan:50%\n") == Event("started", "evaluate", "gan:50%")
    assert parse("12:00:01 - INFO - Executing task 'plan'") is None


def test_a_class_name_with_spaces_stays_one_word(capsys):
    with stage("train_gan", "basal cell carcinoma/0"):
        report("train_gan", "basal cell carcinoma/0", 1, 2, "epochs")
    assert {event.cell for event in events(capsys.readouterr().out)} == {"basal_cell_carcinoma/0"}


@pytest.mark.parametrize(("kind", "traceback"), [("InputError", False), ("ValueError", True)])
def test_no_traceback_follows_the_sentence_of_a_stage_that_refuses_its_input(kind, traceback):
    code = f"""
from components.contracts.errors import InputError
from components.contracts.progress import stage
with stage("plan"):
    raise {kind}("data_set: nothing there")
"""
    ended = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert ended.returncode == 1
    assert f"gansweep failed plan - {kind}: data_set: nothing there\n" in ended.stdout
    assert ended.stdout.endswith(f"gansweep failed plan - {kind}: data_set: nothing there\n") != traceback
    assert ("Traceback" in ended.stdout) == traceback


def test_a_line_is_written_in_one_piece(monkeypatch):
    written = []

    class Pipe(io.TextIOBase):
        def write(self, text):
            written.append(text)
            return len(text)

    monkeypatch.setattr(sys, "stdout", Pipe())
    report("embed", "-", 1, 2, "images")
    assert [text for text in written if text] == ["gansweep progress embed - 1/2 images\n"]
