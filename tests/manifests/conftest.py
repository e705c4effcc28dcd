from collections.abc import Callable
from pathlib import Path

import pytest
from building import Objects, build
from machine import Machine
from upstream import make_upstream


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


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with stand-ins for kubectl, kind, docker and gansweep."""
    return Machine(tmp_path)
