"""Compiles the pipeline to the YAML that runs on one machine and on a cluster alike."""

from functools import cache
from pathlib import Path
from typing import Any

from kfp import compiler
from kfp.dsl.base_component import BaseComponent

import components
from components.contracts.files import whole_file
from pipelines.digest import code_digest
from pipelines.gan_augmentation import make_pipeline

REGISTRY = "gansweep"


def local_tag(parameters: dict[str, Any]) -> str:
    """Return the tag of the images built on this machine (make images): those for GPUs have one of their own."""
    on_gpus = parameters["gpus"] not in ("", "0") and parameters["device"] != "cpu"
    return f"{components.__version__}-cuda" if on_gpus else components.__version__


def image_names(registry: str = REGISTRY, tag: str = components.__version__) -> dict[str, str]:
    """Return the full names of the images: data, gan and classifier."""
    return {name: f"{registry}/{name}:{tag}" for name in ("data", "gan", "classifier")}


@cache
def load_pipeline(registry: str = REGISTRY, tag: str = components.__version__) -> BaseComponent:
    """Return the pipeline with its images named REGISTRY/{data,gan,classifier}:TAG."""
    return make_pipeline(image_names(registry, tag), code_digest())


def compile_pipeline(path: str | Path, registry: str = REGISTRY, tag: str = components.__version__) -> None:
    """Write the compiled pipeline to `path` (YAML), whole or not at all."""
    with whole_file(Path(path)) as part:
        yaml_part = part.with_suffix(".yaml")  # the compiler looks at the file's ending
        compiler.Compiler().compile(load_pipeline(registry, tag), str(yaml_part))
        yaml_part.replace(part)
