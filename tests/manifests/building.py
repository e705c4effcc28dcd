"""Builds the manifests with kubectl, where it is at hand; no cluster and no network."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

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


def find(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    """Return the one object of this kind and name."""
    [found] = [each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found
