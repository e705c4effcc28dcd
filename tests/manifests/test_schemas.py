"""Every object of ours against the schemas of Kubernetes: of 1.36, which it is made for, and of the newest at hand."""

import kubernetes_validate
import pytest
import yaml
from building import MANIFESTS

VERSIONS = ["1.36", kubernetes_validate.latest_version()]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_fits_its_schema(objects, version):
    for each in objects:
        kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_field_that_is_not_in_the_schema_is_noticed(objects, version):
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(objects[0] | {"specification": {}}, version, strict=True)


def test_every_file_is_built_by_some_part():
    """Nothing lies about that no kustomization reads."""
    used = {MANIFESTS / "network" / "api-server.yaml"}  # deploy.sh reads it
    for path in MANIFESTS.rglob("kustomization.yaml"):
        content = yaml.safe_load(path.read_text())
        names = content.get("resources", []) + [
            patch["path"] for patch in content.get("patches", []) if "path" in patch
        ]
        names += [name for generator in content.get("configMapGenerator", []) for name in generator["files"]]
        used |= {(path.parent / name).resolve() for name in names if not name.startswith("https://")}
    files = {path for path in MANIFESTS.rglob("*") if path.suffix in (".yaml", ".json") and path.parent != MANIFESTS}
    loose = {path for path in files - used if path.name not in ("kustomization.yaml", "parameters.yaml")}
    assert not loose
