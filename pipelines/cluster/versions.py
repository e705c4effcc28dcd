"""gansweep's pipeline as Kubeflow Pipelines has it: a version for each set of images, named by their tag.

A version's description ends in two marks: of the pipeline, and of the pipeline with the defaults that its form has. By
them a version is known again, whatever it is called; where a name is another's, the mark joins it.
"""

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipelines.cluster.kubeflow import Cluster
from pipelines.compile import compile_pipeline
from pipelines.digest import code_digest
from pipelines.gan_augmentation import NAME

ABOUT = "Does synthetic training data help a medical image classifier, and at what cost in missed disease?"
_DIGITS = 8


@dataclass(frozen=True)
class Version:
    """A version of the pipeline: what Kubeflow calls it, where it is, and whether it has been `added` just now."""

    name: str
    reference: dict[str, str]
    added: bool


def find_version(cluster: Cluster, registry: str, tag: str) -> Version:
    """Return a version of the pipeline with these images, whatever its form's defaults; added if there is none."""
    return _version(cluster, registry, tag, {}, any_defaults=True)


def publish(cluster: Cluster, registry: str, tag: str, defaults: dict[str, Any]) -> Version:
    """Return the version with these images whose form has these defaults in place of its own; added if it is new."""
    return _version(cluster, registry, tag, defaults, any_defaults=False)


def _version(cluster: Cluster, registry: str, tag: str, defaults: dict[str, Any], *, any_defaults: bool) -> Version:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pipeline.yaml"
        compile_pipeline(file, registry, tag)
        mark = _mark(file.read_bytes())
        whole = _mark(mark.encode() + json.dumps(defaults, sort_keys=True).encode())
        _set_defaults(file, defaults)
        forms = ", ".join(f"{name}={json.dumps(value)}" for name, value in sorted(defaults.items()))
        about = f"Images {registry}/...:{tag}, code {code_digest()[:12]}"
        about += f"; the form's defaults: {forms}" if forms else ""
        own = mark if any_defaults else whole
        return Version(
            *cluster.version(
                file,
                pipeline=(NAME, ABOUT),
                names=(tag, f"{tag}-{own}"),
                known_by=f"[{own}]",
                about=f"{about} [{mark}] [{whole}]",
            )
        )


def _set_defaults(file: Path, defaults: dict[str, Any]) -> None:
    specification, platform = yaml.safe_load_all(file.read_text(encoding="utf-8"))
    declared = specification["root"]["inputDefinitions"]["parameters"]
    for name, value in defaults.items():
        declared[name] |= {"defaultValue": value, "isOptional": True}
    file.write_text(yaml.safe_dump_all([specification, platform], sort_keys=False), encoding="utf-8")


def _mark(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]
