"""`gansweep run --runner docker`: the pipeline in its images, and every way in which that can fail."""

import hashlib
import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from small_run import SMALL, command

from components.contracts.errors import InputError
from components.contracts.progress import parse
from pipelines.local.containers import LABEL, check_images, remove_containers, run_stage, stage_and_cell

NOWHERE = {**os.environ, "DOCKER_HOST": "unix:///no/such/docker.sock"}


def containers(engine, folder: Path) -> list:
    return engine.containers.list(all=True, filters={"label": f"{LABEL}={folder / 'artifacts'}"}, ignore_removed=True)


def wait_for(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def in_docker(engine, images, phantoms, tmp_path_factory):
    """Return the folder of the small run in containers, and the engine's records of its containers."""
    folder = tmp_path_factory.mktemp("runs") / "docker"
    records = []
    events = engine.events(decode=True, filters={"event": "create", "label": f"{LABEL}={folder / 'artifacts'}"})

    def record() -> None:
        records.extend(engine.api.inspect_container(event["id"]) for event in events)

    recorder = threading.Thread(target=record)
    recorder.start()
    try:
        words = command("--data", phantoms, "--out", folder, "--runner", "docker", **SMALL)
        done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    finally:
        events.close()
        recorder.join()
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, records


def test_the_verdict_is_that_of_the_subprocess_runner_to_the_bit(finished, in_docker):
    as_processes, as_containers = (
        re.sub(r'"images_per_second": [0-9.e+-]+', "", (folder / "verdict.json").read_text())
        for folder in (finished[0], in_docker[0])
    )
    assert as_containers == as_processes


def test_each_stage_ran_once_a_cell_in_its_own_image(in_docker, images):
    configs = [record["Config"] for record in in_docker[1]]
    ran = sorted((stage_and_cell(config["Cmd"])[0], config["Image"]) for config in configs)
    once = dict.fromkeys(("plan", "prepare", "fetch_classifier", "compare"), "data")
    once |= dict.fromkeys(("synthesize", "embed", "audit"), "gan")
    arms, classes = len(SMALL["arms"].split(",")), 2
    looped = {"train_gan": ("gan", classes), "train_classifier": ("classifier", arms), "evaluate": ("classifier", arms)}
    expected = [(stage, images[image]) for stage, image in once.items()]
    expected += [(stage, images[image]) for stage, (image, times) in looped.items() for _ in range(times)]
    assert ran == sorted(expected)


def test_files_are_the_current_users_and_no_container_is_left(engine, in_docker):
    folder, _ = in_docker
    assert {path.stat().st_uid for path in folder.rglob("*")} == {os.getuid()}
    assert containers(engine, folder) == []


def test_containers_have_no_more_rights_than_their_stage_needs(in_docker, phantoms):
    folder, records = in_docker
    for record in records:
        host = record["HostConfig"]
        assert record["Config"]["User"] == f"{os.getuid()}:{os.getgid()}"
        assert (host["NetworkMode"], host["ReadonlyRootfs"], host["CapDrop"]) == ("none", True, ["ALL"])
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["ShmSize"] == 2**30
        written = {mount["Source"] for mount in record["Mounts"] if mount["RW"] and mount["Type"] == "bind"}
        own = {str(folder / "artifacts"), str(folder / "checkpoints")}
        assert {path for path in written if "kfp-workspace" not in path} == own  # KFP's own, empty folder
        read = {mount["Source"] for mount in record["Mounts"] if not mount["RW"]}
        assert read == {str(phantoms), str(folder / "tmp" / "slots")}
    memory = {stage_and_cell(record["Config"]["Cmd"])[0]: record["HostConfig"]["Memory"] for record in records}
    assert memory["plan"] == 2 * 2**30
    assert memory["train_gan"] == 4 * 2**30


@pytest.mark.parametrize("stage", ["prepare", "train_gan", "train_classifier"])
def test_any_user_runs_a_stage_read_only_without_capabilities_and_network(in_docker, phantoms, stage):
    """The same command again, as a user that nobody knows: the same outputs, to the bit."""
    folder, records = in_docker
    configs = [record["Config"] for record in records]
    config = next(config for config in configs if stage_and_cell(config["Cmd"])[0] == stage)
    outputs = json.loads(config["Cmd"][config["Cmd"].index("--executor_input") + 1])["outputs"]["artifacts"]
    main = Path({"prepare": "development_set", "train_gan": "generator", "train_classifier": "models"}[stage])
    made = Path(outputs[main.name]["artifacts"][0]["uri"])

    def digests() -> dict[str, str]:
        files = [path for path in made.rglob("*") if path.suffix in (".npy", ".safetensors")]
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = digests()
    assert before
    subprocess.run(["chmod", "-R", "a+rwX", folder], check=True)
    mounts = ["--volume", f"{folder}:{folder}", "--volume", f"{phantoms}:{phantoms}:ro"]
    flags = ["--read-only", "--cap-drop", "ALL", "--network", "none", "--user", "12345"]
    subprocess.run(
        ["docker", "run", "--rm", *flags, *mounts, config["Image"], *config["Cmd"]], check=True, capture_output=True
    )
    assert {path.stat().st_uid for path in made.rglob("*")} == {12345}
    assert digests() == before


# What run_stage does with one container. The words behind -c are the program's own, which it does not read.


@pytest.fixture
def stage(engine, images, capsys):
    """Return a function that runs Python code as if it were the stage train_gan, and what was said of it."""

    def run(code: str, memory: str = "256Mi", gpus: str = "", **arguments) -> tuple[int, list[str], list[str]]:
        values = {"inputs": {"parameterValues": {"pod": {"gans": [{"label": "basal cell", "replicate": 0}]}}}}
        words = ["python3", "-c", code, "--executor_input", json.dumps(values), "--function_to_execute", "train_gan"]
        parameters = {"gan_memory": memory, "gpus": gpus, "gpu_stages": ["train_gan"]}
        status = run_stage(engine, images["data"], words, parameters, labels={LABEL: "stage"}, **arguments)
        lines = capsys.readouterr().out.splitlines()
        assert engine.containers.list(all=True, filters={"label": f"{LABEL}=stage"}) == []
        return status, lines, [event.error for event in map(parse, lines) if event and event.kind == "failed"]

    yield run
    remove_containers("stage")


def test_a_stages_own_words_are_passed_on_in_whole_lines(stage):
    """Docker passes lines of more than 16 KiB on in pieces."""
    status, lines, failures = stage("print('a é'); print(40_000 * 'b')")
    assert (status, lines, failures) == (0, ["a é", 40_000 * "b"], [])


def test_a_stage_that_fails_at_once_is_a_failure_and_its_last_line_is_the_reason(stage):
    status, _, failures = stage("import no_such_module")
    assert status == 1
    assert failures == ["ModuleNotFoundError: No module named 'no_such_module'"]


def test_a_stage_that_gives_its_own_reason_is_not_spoken_for(stage):
    status, _, failures = stage("print('gansweep failed train_gan basal_cell/0 InputError: no'); raise SystemExit(1)")
    assert status == 1
    assert failures == ["InputError: no"]


def test_a_stage_out_of_memory_is_named_as_such(stage):
    status, _, failures = stage("held = [bytearray(2**20) for _ in range(2000)]", memory="64Mi")
    assert status == 137
    assert failures == ["out of memory, of which it may use 64Mi; set gan_memory higher"]


def test_a_killed_stage_is_named_as_such(engine, stage):
    def kill() -> None:
        wait_for(lambda: engine.containers.list(filters={"label": f"{LABEL}=stage"}))
        engine.containers.list(filters={"label": f"{LABEL}=stage"})[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    status, _, failures = stage("import time; time.sleep(60)")
    killer.join()
    assert status == 137
    assert failures == ["its container was killed (signal 9)"]


def test_a_container_that_cannot_start_is_named_as_such(stage):
    status, _, (failure,) = stage("pass", runtime="no-such-runtime")
    assert status == 1
    assert failure.startswith("its container failed: ")
    assert "no-such-runtime" in failure


def test_gpus_are_asked_of_the_engine(engine, stage):
    if "nvidia" in engine.info()["Runtimes"]:
        pytest.skip("this engine has GPUs; what it says without them can't be seen here")
    status, _, (failure,) = stage("pass", gpus="1")
    assert status == 1
    assert "could not select device driver" in failure


# What the command line does.


def test_without_docker_the_command_says_so_before_anything_starts(phantoms, tmp_path):
    words = command("--data", phantoms, "--out", tmp_path / "run", "--runner", "docker", **SMALL)
    done = subprocess.run(words, capture_output=True, text=True, env=NOWHERE, timeout=240)
    assert done.returncode == 2
    assert "no Docker engine answers at unix:///no/such/docker.sock; start Docker, or use --runner sub" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_missing_image_is_named_with_the_target_that_makes_it(engine):
    with pytest.raises(InputError, match=r"there is no image gansweep/gan:never here; make it with: make image-gan"):
        check_images(["gansweep/gan:never"])


def test_an_image_of_other_code_is_refused(engine, images, monkeypatch):
    check_images(images.values())
    monkeypatch.setattr("pipelines.local.containers.code_digest", lambda: "another")
    with pytest.raises(InputError, match=r"gansweep/data:\S+ holds other code than this; .* make image-data"):
        check_images(images.values())


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_ending_the_command_leaves_no_container(engine, images, phantoms, tmp_path, sign):
    words = command("--data", phantoms, "--out", tmp_path / "run", "--runner", "docker", **SMALL)
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: containers(engine, tmp_path / "run"))
    process.send_signal(sign)
    _, complaint = process.communicate(timeout=240)
    if sign == signal.SIGINT:
        assert process.returncode == 130
        assert "interrupted" in complaint
        assert "Traceback" not in complaint
        assert containers(engine, tmp_path / "run") == []
    wait_for(lambda: containers(engine, tmp_path / "run") == [], seconds=20)


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder on a file system of its own with 200 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", folder], capture_output=True).returncode:
        pytest.skip("only root may mount the small disk of this test")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_named_as_such(engine, images, phantoms, small_disk):
    words = command("--data", phantoms, "--out", small_disk, "--runner", "docker", **SMALL)
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert f"the disk of {small_disk} is full; make room" in done.stderr
    assert "Traceback" not in done.stderr
    assert containers(engine, small_disk) == []
