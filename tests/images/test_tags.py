"""The tags of images built on this machine: those for processors and those for GPUs never take each other's."""

import re
import subprocess
from pathlib import Path

import pytest

import components
from pipelines.compile import local_tag

ROOT = Path(__file__).parents[2]


def tags(variant: str) -> set[str]:
    words = ["make", "--dry-run", "image-gan", f"VARIANT={variant}", "CPU_INDEX="]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"--tag gansweep/gan:(\S+)", said))


def test_builds_for_processors_and_for_gpus_have_tags_of_their_own():
    cpu, cuda = tags("cpu"), tags("cuda")
    assert len(cpu) == len(cuda) == 2
    assert cuda == {f"{tag}-cuda" for tag in cpu}
    assert {local_tag({"gpus": "", "device": "auto"}), local_tag({"gpus": "1", "device": "auto"})} <= cpu | cuda


@pytest.mark.parametrize(
    ("gpus", "device", "ending"), [("", "auto", ""), ("0", "auto", ""), ("1", "cpu", ""), ("1", "auto", "-cuda")]
)
def test_a_run_in_containers_takes_the_images_for_gpus_where_it_computes_on_them(gpus, device, ending):
    assert local_tag({"gpus": gpus, "device": device}) == f"{components.__version__}{ending}"
