"""The pipeline's versions in Kubeflow Pipelines: of the same images one, whose form has the overlay's defaults."""

import json
import re
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_kubeflow import FakeKubeflow
from submissions import DATA

pytestmark = pytest.mark.usefixtures("quick")
OVERLAY = Path(__file__).parents[3] / "manifests" / "overlays" / "kind" / "parameters.yaml"
PUBLISH = ("publish", "--tag", "abc", "--preset", OVERLAY, "--data", "minio://gansweep/data/lesions")


@pytest.fixture
def uploaded(monkeypatch) -> list[dict[str, Any]]:
    """Return the specifications that are uploaded from now on."""
    found: list[dict[str, Any]] = []
    answer = FakeKubeflow.answer

    def keep(self, method, address, body):
        if "upload_version" in address:
            boundary = re.match(rb"--(\S+)", body)[1].decode()
            parts = message_from_bytes(f"Content-Type: multipart/form-data; boundary={boundary}\n\n".encode() + body)
            found.append(next(yaml.safe_load_all(parts.get_payload()[0].get_payload(decode=True))))
        return answer(self, method, address, body)

    monkeypatch.setattr(FakeKubeflow, "answer", keep)
    return found


def test_the_form_has_the_defaults_of_the_overlay_and_the_data_that_were_brought(kubeflow, gansweep, uploaded):
    assert gansweep(*PUBLISH, "--host", kubeflow.host)[0] == 0
    declared = uploaded[0]["root"]["inputDefinitions"]["parameters"]
    wanted = yaml.safe_load(OVERLAY.read_text()) | {"data_set": "minio://gansweep/data/lesions"}
    assert {name: declared[name]["defaultValue"] for name in wanted} == wanted
    assert declared["data_set"]["isOptional"] is True
    assert declared["image_size"]["defaultValue"] == 32
    (pipeline,), (version,) = kubeflow.pipelines, kubeflow.versions
    assert pipeline["description"].startswith("Does synthetic training data help")
    assert 'the form\'s defaults: data_set="minio://gansweep/data/lesions", device="cpu"' in version["description"]


def test_runs_belong_to_the_version_of_their_images_whatever_the_defaults_of_its_form(kubeflow, gansweep):
    gansweep(*PUBLISH, "--host", kubeflow.host)
    gansweep("submit", *DATA, "--tag", "abc", "--host", kubeflow.host)
    gansweep("submit", *DATA, "--tag", "def", "--host", kubeflow.host)
    first, second = (run["pipeline_version_reference"]["pipeline_version_id"] for run in kubeflow.runs)
    assert [version["pipeline_version_id"] for version in kubeflow.versions] == [first, second]
    assert [version["display_name"] for version in kubeflow.versions] == ["abc", "def"]
    assert kubeflow.experiments[0]["description"].startswith("Runs of gansweep")


def test_a_version_with_other_defaults_or_other_code_gets_a_name_of_its_own(kubeflow, gansweep, monkeypatch):
    gansweep(*PUBLISH, "--host", kubeflow.host)
    gansweep("publish", "--tag", "abc", "--host", kubeflow.host)
    said = gansweep(*PUBLISH, "--host", kubeflow.host)[1]
    assert said == "Version abc of pipeline gan-augmentation is there already\n"
    kubeflow.versions[0]["description"] = json.dumps("someone else's")
    gansweep("submit", *DATA, "--tag", "abc", "--host", kubeflow.host)
    names = [version["display_name"] for version in kubeflow.versions]
    assert names[0] == "abc"
    assert all(re.fullmatch("abc-[0-9a-f]{8}", name) for name in names[1:])
    assert len(set(names)) == len(names) == 3
