"""The scripts behind make: well formed, and one line where a program, a cluster or an image is missing."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from building import MANIFESTS

ROOT = MANIFESTS.parent
SCRIPTS = [*MANIFESTS.glob("*.sh"), MANIFESTS / "minio" / "setup.sh"]
TARGETS = ["kind-up", "deploy", "undeploy", "kind-down"]


@pytest.fixture
def bare(tmp_path):
    """A PATH with what every machine has, and none of kubectl, kind and docker."""
    for name in ["bash", "env", "make", "git", "sed", "awk", "cat", "dirname", "head", "od", "tr", "seq", "grep"]:
        (tmp_path / name).symlink_to(shutil.which(name))
    return tmp_path


def make(target: str, path: Path, **environment: str) -> list[str]:
    """Run a make target that must refuse; return what it says, without make's own last line."""
    ran = subprocess.run(
        ["make", "-C", str(ROOT), target],
        env={"PATH": str(path), "KUBECONFIG": "/nonexistent", "FAKES": str(path)} | environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ran.returncode != 0
    lines = ran.stdout.splitlines() + ran.stderr.splitlines()
    return [line for line in lines if not line.startswith("make")]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_is_well_formed(script):
    subprocess.run(["bash", "-n", str(script)], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "--external-sources", str(script)], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    ("target", "first"),
    [("kind-down", "kind"), *((t, "kubectl") for t in ("kind-up", "deploy", "upload", "submit", "e2e", "undeploy"))],
)
def test_missing_program_is_one_line_that_says_where_to_get_it(bare, target, first):
    [line] = make(target, bare)
    assert re.fullmatch(rf"{target}: {first} is missing: get it from https://.+", line)


@pytest.mark.parametrize("target", ["kind-up", "kind-down"])
def test_silent_docker_is_one_line(bare, target):
    for name, status in [("kubectl", 0), ("kind", 0), ("docker", 1)]:
        (bare / name).write_text(f"#!/usr/bin/env bash\nexit {status}\n")
        (bare / name).chmod(0o755)
    [line] = make(target, bare)
    assert line.startswith(f"{target}: docker does not answer: ")


@pytest.mark.parametrize("target", ["deploy", "upload", "submit", "e2e", "undeploy"])
def test_unreachable_cluster_is_one_line_and_comes_before_the_environment_is_made(bare, tmp_path, target):
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl to ask a cluster with")
    (bare / "kubectl").symlink_to(shutil.which("kubectl"))
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        "{apiVersion: v1, kind: Config, current-context: gone, users: [],"
        " contexts: [{name: gone, context: {cluster: gone}}],"
        " clusters: [{name: gone, cluster: {server: 'http://127.0.0.1:1'}}]}"
    )
    [line] = make(target, bare, KUBECONFIG=str(kubeconfig))
    assert line.startswith(f"{target}: no cluster answers (context gone): start one with make kind-up, or ")


def test_kind_up_makes_the_cluster_once_and_its_gpus_each_time(machine):
    for _ in range(2):
        assert machine.run("kind-up").returncode == 0
    calls = machine.calls()
    assert sum(call.startswith("kind create cluster --name test --config") for call in calls) == 1
    assert sum("patch node/test-worker2 --subresource status" in call for call in calls) == 2
    assert sum("taint node/test-worker2 nvidia.com/gpu=present:NoSchedule --overwrite" in call for call in calls) == 2
    loaded = "kind load docker-image --name test gansweep/data:abc gansweep/gan:abc gansweep/classifier:abc"
    assert calls.count(loaded) == 2


def test_kind_up_names_the_image_that_is_missing_and_starts_nothing(machine):
    (machine.folder / "unbuilt").write_text("gansweep/gan:abc")
    ran = machine.run("kind-up")
    assert ran.returncode == 2
    assert (
        ran.stderr == "kind-up: the image gansweep/gan:abc is missing: make image-gan (or make images for all three)\n"
    )
    assert machine.changes() == []


def test_kind_down_removes_the_cluster(machine):
    assert machine.run("kind-down").returncode == 0
    assert "kind delete cluster --name test" in machine.calls()
