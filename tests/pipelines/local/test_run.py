"""The compiled pipeline, run for real on phantoms through the command line, as small as it gets."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
import yaml
from small_run import SMALL, command

from components.contracts.errors import InputError
from pipelines.local.run import stage_environment
from pipelines.runs.table import load_verdict

SCHEMA = Path(__file__).parents[3] / "components/compare/verdict.schema.json"


def processes_that_know(word: str) -> list[str]:
    """Return the command lines of the processes whose arguments or environment hold `word`."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            except OSError:
                continue
            if word.encode() in text:
                found.append((process / "cmdline").read_bytes().decode())
    return found


def wait_for(condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_a_run_leaves_its_results_in_its_folder(finished):
    folder, _ = finished
    left = {path.name for path in folder.iterdir()}
    files = {"report.html", "verdict.json", "ledger.csv", "summary.md", "run.log", "parameters.yaml", "pipeline.yaml"}
    assert left == files | {"artifacts"}, "of what lay there meanwhile (checkpoints, temporary files) nothing stays"
    assert yaml.safe_load((folder / "parameters.yaml").read_text())["gan_updates"] == 9


def test_a_run_says_each_stage_in_plain_lines_and_ends_with_the_table(finished):
    folder, said = finished
    for line in (
        "2 GANs and 3 arms, ",
        " at a time; results go to ",
        "plan: started",
        "train_gan malignant/0: 9/9 updates",
        "evaluate gan:10: finished in",
    ):
        assert line in said
    assert re.search("no evidence|no verdict|helps|hurts", said)
    assert "computer-drawn" in said or "hantoms" in said
    assert said.rstrip().endswith(f"Report: {folder / 'report.html'}")
    assert "Executing task" not in said
    assert "Executing task" in (folder / "run.log").read_text()


def test_the_verdict_is_as_its_schema_says(finished):
    verdict = json.loads((finished[0] / "verdict.json").read_text())
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(verdict)
    assert [arm["arm"] for arm in verdict["arms"]] == SMALL["arms"].split(",")
    assert all(len(arm["replicates"]) == 2 for arm in verdict["arms"])


def test_no_pickle_is_among_the_artifacts(finished):
    endings = {path.suffix for path in finished[0].rglob("*") if path.is_file()}
    assert not endings & {".pkl", ".pickle", ".pt", ".pth", ".joblib"}


def test_show_prints_the_table_of_a_finished_run_again(finished):
    folder, said = finished
    shown = subprocess.check_output([sys.executable, "-m", "pipelines", "show", str(folder)], text=True)
    assert said.endswith(shown)


def test_an_interrupted_run_goes_on_and_gives_the_same_verdict_to_the_bit(finished, phantoms, tmp_path):
    """Ctrl-C while GANs train leaves no process; the same command goes on from the checkpoints."""
    folder = tmp_path / "second"
    words = command("--data", phantoms, "--out", folder, **SMALL)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: list(folder.glob("checkpoints/*")))
    assert processes_that_know(str(folder))
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=240)
    assert process.returncode == 130
    assert "interrupted" in complaint
    assert "Traceback" not in complaint
    assert processes_that_know(str(folder)) == []

    subprocess.run(words, check=True, capture_output=True, timeout=600)
    without_times = [
        re.sub(r'"images_per_second": [0-9.e+-]+', "", (run / "verdict.json").read_text())
        for run in (finished[0], folder)
    ]
    assert without_times[0] == without_times[1]


def test_a_finished_run_is_shown_and_not_touched_unless_asked(finished, phantoms, tmp_path):
    """Killed while it copied its results, it is brought to its end by the same command, without a stage."""
    folder = tmp_path / "copy"
    shutil.copytree(finished[0], folder)
    words = command("--data", phantoms, "--out", folder, **SMALL)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.name != "parameters.yaml"}
    done = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert f"{folder}: finished already; --again runs it anew" in done.stdout
    assert done.stdout.rstrip().endswith(f"Report: {folder / 'report.html'}")
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.name != "parameters.yaml"}

    (folder / "report.html").unlink()
    (folder / ".report.html.abc.part").touch()
    done = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert (done.returncode, "plan: started" in done.stdout) == (0, False), done.stderr
    for name in ("report.html", "verdict.json"):
        assert (folder / name).read_bytes() == (finished[0] / name).read_bytes()
    assert not list(folder.glob(".*.part"))

    process = subprocess.Popen([*words, "--again"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: (folder / "tmp").is_dir())
    second = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert (second.returncode, "a run is under way in" in second.stderr) == (2, True)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=240)
    assert not (folder / "verdict.json").exists()


def test_no_result_lies_in_the_data_set_and_two_runs_of_one_second_have_two_folders(phantoms, tmp_path):
    words = command("--data", ".", **SMALL)
    done = subprocess.run(words, capture_output=True, text=True, timeout=240, cwd=phantoms, env=with_code_from_here())
    assert (done.returncode, "lies in the data set" in done.stderr) == (2, True)
    assert not (phantoms / "runs").exists()


def with_code_from_here() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}


@pytest.fixture
def taken(tmp_path):
    """A folder with the names of gansweep's packages, of some that it needs, and of Python's own.

    None that Python itself needs when it starts in an environment (pathlib, typing): such a folder stops every program.
    """
    for name in ("components", "pipelines", "kfp"):
        (tmp_path / "taken" / name).mkdir(parents=True)
        (tmp_path / "taken" / name / "__init__.py").write_text(f"raise SystemExit('{name} is taken')")
    for name in ("json", "yaml", "csv"):
        (tmp_path / "taken" / f"{name}.py").write_text(f"raise SystemExit('{name} is taken')")
    return tmp_path / "taken"


def test_the_command_and_its_stages_run_where_their_names_are_taken(taken, tmp_path):
    """In the working folder and on PYTHONPATH. The second stage refuses the data: the first has found all it needs."""
    images = tmp_path / "images"
    for name in ("benign", "malignant"):
        (images / name).mkdir(parents=True)
        for number in range(30):
            (images / name / f"{number}.png").write_bytes(b"no image")
    given = {**os.environ, "PYTHONPATH": str(taken)}
    # As the script that pip installs: Python puts the script's folder first on its path.
    script = tmp_path / "bin" / "gansweep"
    script.parent.mkdir()
    script.write_text("from gansweep import main\nmain()\n")
    words = [sys.executable, script, "run", "--data", images, "--out", tmp_path / "out", "--set", "arms=real,balanced"]
    done = subprocess.run(words, env=given, cwd=taken, capture_output=True, text=True, timeout=240)
    assert "prepare failed: data_set: " in done.stderr, done.stdout + done.stderr
    assert "finished plan" in (tmp_path / "out" / "run.log").read_text()


def test_stages_take_neither_keras_settings_nor_temporary_folders_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".keras").mkdir()
    settings = '{"floatx": "float16", "image_data_format": "channels_first", "epsilon": 0.1, "backend": "torch"}'
    (tmp_path / ".keras" / "keras.json").write_text(settings)
    given = stage_environment(tmp_path / "checkpoints", tmp_path / "tmp")
    asked = "from keras.config import *; print(backend(), floatx(), image_data_format(), epsilon())"
    asked += "; import tempfile; print(tempfile.gettempdir())"
    (tmp_path / "tmp").mkdir()
    said = subprocess.check_output([sys.executable, "-c", asked], env=given, text=True)
    assert said.split() == ["tensorflow", "float32", "channels_last", "1e-07", str(tmp_path / "tmp")]


@pytest.mark.parametrize("content", ["{}", "[]", "[" * 100_000, '{"arms": 1}', "{", '{"a": ' + "9" * 5000 + "}"])
def test_a_verdict_that_is_none_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "verdict.json").write_text(content)
    with pytest.raises(InputError, match=r"verdict\.json: not "):
        load_verdict(tmp_path)


def test_killing_the_command_leaves_no_process(phantoms, tmp_path):
    folder = tmp_path / "killed"
    process = subprocess.Popen(command("--data", phantoms, "--out", folder, **SMALL), stdout=subprocess.DEVNULL)
    wait_for(lambda: (folder / "run.log").is_file() and "started prepare" in (folder / "run.log").read_text())
    process.kill()
    process.wait()
    wait_for(lambda: processes_that_know(str(folder)) == [], seconds=20)


def test_a_failed_stage_is_named_with_its_own_error_and_the_log(phantoms, tmp_path):
    data = shutil.copytree(phantoms, tmp_path / "phantoms")
    (data / "train" / "benign" / "bad.png").write_bytes(b"not an image")
    words = command("--data", data, "--out", tmp_path / "run", **SMALL, max_bad_share=0)
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "prepare failed: " in done.stderr
    assert "train/benign/bad.png" in done.stderr
    assert str(tmp_path / "run" / "run.log") in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    log = (tmp_path / "run" / "run.log").read_text()
    assert log.count("gansweep started prepare") == 1, "it was tried again, which only a cluster should do"


@pytest.mark.parametrize(
    ("words", "settings", "message"),
    [
        (["--data", "/no/such/folder"], {}, "data_set: /no/such/folder: there is no such folder"),
        (["--data", "minio://bucket/images"], {}, "to reach object storage set GANSWEEP_S3_ENDPOINT"),
        ([], {}, "data_set: no value is given"),
        (["--data", "PHANTOMS"], {"arms": "real,gna:3"}, "arms: 'gna:3': there is no source 'gna'"),
        (["--data", "PHANTOMS"], {"gan_batch_size": 64}, "gan_batch_size: class 'benign' has 30 images"),
        (["--data", "PHANTOMS", "--out", "/proc/run"], {"gan_batch_size": 8}, "--out: /proc/run can't be written"),
        (["--data", "PHANTOMS", "--out", "PHANTOMS"], {"gan_batch_size": 8}, "is the data set"),
        (["--data", "PHANTOMS", "--out", "HERE"], {"gan_batch_size": 8}, "holds files of something else"),
    ],
)
def test_bad_input_is_refused_in_one_line_before_anything_runs(phantoms, words, settings, message):
    places = {"PHANTOMS": str(phantoms), "HERE": str(Path(__file__).parent)}
    words = [places.get(word, word) for word in words]
    done = subprocess.run(command(*words, **settings), capture_output=True, text=True, timeout=240)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert "started" not in done.stdout


def test_a_folder_of_another_run_is_refused(finished, phantoms):
    words = command("--data", phantoms, "--out", finished[0], **{**SMALL, "seed": 5})
    done = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert done.returncode == 2
    assert "holds a run with other parameters" in done.stderr


def test_a_dry_run_says_what_it_understood_and_what_prepare_would_refuse(image_folder, tmp_path):
    root = image_folder({"scans": 40})
    (root / "scans" / "Thumbs.db").write_bytes(b"x")
    table = tmp_path / "t.csv"
    table.write_text("image;dx;patient\n" + "".join(f"{i:03};{'ab'[i % 2]};p{i // 2}\n" for i in range(40)) + "x;a;p\n")
    words = command("--data", root, "--dry-run", **SMALL, table=table, positive_class="a")
    done = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "data set: 40 files, classes by the table (a 20, b 20), test set to be drawn" in done.stdout
    assert f"table {table}: image = image; label = dx; group = patient\n" in done.stdout
    assert "table: 40 of 41 rows name an image, 40 of 40 images are listed" in done.stdout
    assert done.stderr.splitlines() == [
        "warning: passed over what systems and tools leave behind: Thumbs.db 1",
        "warning: table: 1 row of no image of the data set: x",
    ]
    table.write_bytes(b"PK\x03\x04 a workbook")
    done = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert done.returncode == 2
    assert "is an Excel workbook" in done.stderr


def test_a_dry_run_prints_parameters_and_fan_out_and_runs_nothing(phantoms, tmp_path):
    words = command("--data", phantoms, "--out", tmp_path / "none", "--dry-run", "--threads", 3, **SMALL)
    said = subprocess.check_output(words, text=True)
    assert "gan_updates: 9\n" in said
    assert "gan_threads: 3\n" in said
    assert "classifier_threads: 3\n" in said
    assert "benign/0, seed 0" in said
    assert "traditional+gan:50%" in said
    assert not (tmp_path / "none").exists()
