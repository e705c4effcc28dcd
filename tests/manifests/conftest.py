"""Builds the manifests with kubectl, where it is at hand; no cluster and no network."""

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from upstream import make_upstream

MANIFESTS = Path(__file__).parents[2] / "manifests"
Objects = list[dict[str, Any]]


def build(folder: str, **environment: str) -> Objects:
    """Return all objects of a part, made for the caller alone."""
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl to build the manifests with")
    return list(yaml.safe_load_all(_built(folder, tuple(environment.items()))))


@cache
def _built(folder: str, environment: tuple[tuple[str, str], ...]) -> str:
    command = ["kubectl", "kustomize", str(MANIFESTS / folder)]
    built = subprocess.run(command, env=os.environ | dict(environment), capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return built.stdout


@pytest.fixture(scope="session", params=["minio", "namespace", "overlays/kind", "overlays/gpu"])
def objects(request: pytest.FixtureRequest) -> Objects:
    """All objects of each part that needs no network."""
    return build(request.param)


@pytest.fixture(scope="session")
def build_with_upstream(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Objects]:
    """Return a function that builds a part with the stand-in for Kubeflow Pipelines (upstream.py)."""
    folder = tmp_path_factory.mktemp("github")
    make_upstream(folder / "kubeflow" / "pipelines")
    redirect = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{folder}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }
    return lambda part: build(part, **redirect)


def find(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    [found] = [each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found
