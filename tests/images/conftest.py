"""The Docker engine and the images made from this checkout."""

import os
import subprocess
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException

from pipelines.compile import image_names

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def engine():
    """Return a client of the engine at DOCKER_HOST or the default socket; skip without one, but never in CI."""
    try:
        client = docker.from_env()
        client.ping()
    except DockerException:
        if os.environ.get("CI"):
            raise
        pytest.skip("no Docker engine answers at DOCKER_HOST or the default socket")
    yield client
    client.close()


@pytest.fixture(scope="session")
def images(engine, once):
    """Return the names of the images of this very code: data, gan and classifier."""

    def build(_: Path) -> None:
        made = subprocess.run(["make", "--jobs", "3", "images"], cwd=ROOT, capture_output=True, text=True)
        assert made.returncode == 0, made.stdout + made.stderr

    once("images", build)
    return image_names()
