"""The folder of a run: one owner at a time, finished when all results are there, never one of the data set's."""

import fcntl
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.contracts.errors import InputError
from pipelines.runs.folder import (
    RESULTS,
    folder_name,
    is_finished,
    new_folder,
    open_run_folder,
    owned,
    refuse_among_images,
    start_anew,
)

HOLD = """
import pathlib, sys, time
from pipelines.runs.folder import owned
with owned(pathlib.Path(sys.argv[1])):
    print(1, flush=True)
    time.sleep(60)
"""


def test_a_folder_has_one_owner_at_a_time(tmp_path):
    with owned(tmp_path / "run"):
        with pytest.raises(InputError, match="a run is under way in"), owned(tmp_path / "run"):
            pass
        with owned(tmp_path / "other"):
            pass
    with owned(tmp_path / "run"):
        assert list((tmp_path / "run").iterdir()) == []


def test_a_killed_process_leaves_the_folder_free(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout.readline()
    with pytest.raises(InputError, match="under way"), owned(tmp_path):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with owned(tmp_path):
        pass


def test_where_folders_can_not_be_locked_a_file_is(tmp_path, monkeypatch):
    def lock(handle, how):
        if Path(f"/proc/self/fd/{handle}").resolve().is_dir():
            raise OSError(9, "Bad file descriptor")
        return real(handle, how)

    real = fcntl.flock
    monkeypatch.setattr("fcntl.flock", lock)
    with owned(tmp_path):
        with pytest.raises(InputError, match="under way"), owned(tmp_path):
            pass
        open_run_folder(tmp_path, {"seed": 1})
    with owned(tmp_path):
        open_run_folder(tmp_path, {"seed": 1})


def test_a_folder_of_the_same_name_in_the_same_second_is_another_one(tmp_path):
    made = [new_folder(tmp_path / "runs" / "2026-demo") for _ in range(3)]
    assert [folder.name for folder in made] == ["2026-demo", "2026-demo-2", "2026-demo-3"]


def test_what_a_killed_command_or_a_file_manager_left_is_no_reason_to_refuse(tmp_path):
    (tmp_path / ".parameters.yaml.abc.part").write_text("see")
    (tmp_path / ".DS_Store").touch()
    open_run_folder(tmp_path, {"seed": 1})
    assert {path.name for path in tmp_path.iterdir()} == {".DS_Store", "parameters.yaml"}
    open_run_folder(tmp_path, {"seed": 1})
    with pytest.raises(InputError, match="other parameters"):
        open_run_folder(tmp_path, {"seed": 2})


@pytest.mark.parametrize(
    "content", ["seed: [", "a: !!python/object:os.system x", "", "[1]", "a: " + "[" * 5000, "link"]
)
def test_parameters_that_are_none_are_refused_in_one_line(tmp_path, content):
    settings = tmp_path / "parameters.yaml"
    if content == "link":
        settings.symlink_to("/etc/passwd")
    else:
        settings.write_text(content)
    with pytest.raises(InputError, match=r"--out: .*parameters\.yaml: "):
        open_run_folder(tmp_path, {"seed": 1})


def test_a_run_is_finished_when_all_its_results_are_there(tmp_path):
    for name in RESULTS:
        assert not is_finished(tmp_path)
        (tmp_path / name).touch()
    assert is_finished(tmp_path)
    start_anew(tmp_path)
    assert not is_finished(tmp_path)


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("data_set", "the data set"),
        ("synthetic_sets", "synthetic_sets: diffusion"),
        ("external_test_sets", "external_test_sets: hospital_b"),
    ],
)
@pytest.mark.parametrize(
    ("out", "how"),
    [("images/out", "lies in"), ("images/a/../b", "lies in"), ("link/out", "lies in"), ("link", "is"), (".", "holds")],
)
def test_results_among_images_are_refused(tmp_path, name, called, out, how):
    (tmp_path / "images").mkdir()
    (tmp_path / "link").symlink_to("images")
    elsewhere = {"data_set": "minio://bucket/images", "synthetic_sets": {}, "external_test_sets": {}}
    address = str(tmp_path / "images")
    given = {
        "data_set": address,
        "synthetic_sets": {"diffusion": ["minio://bucket/made", {"images": address, "table": "labels.csv"}]},
        "external_test_sets": {"hospital_b": address},
    }
    parameters = elsewhere | {name: given[name]}
    with pytest.raises(InputError, match=f"^--out: .* {how} {called} \\({address}\\); give a folder of its own"):
        refuse_among_images(tmp_path / out, parameters)
    refuse_among_images(tmp_path / "images-2", parameters)
    refuse_among_images(tmp_path / out, elsewhere)


@pytest.mark.parametrize("name", ["../../../x", "..", "/etc", "a/b", ".hidden", "a\x1b[2Jb", "", "x" * 300])
def test_a_name_of_a_server_is_one_step_of_a_path(name):
    made = folder_name(name)
    assert made == Path(made).name
    assert not made.startswith(".")
    assert len(made) <= 80
