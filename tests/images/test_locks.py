"""The locked requirements: read as pip reads them, without a Docker engine."""

import re
from pathlib import Path

import pytest

IMAGES = Path(__file__).parents[2] / "images"
LOCKS = sorted([IMAGES / "kfp.txt", *IMAGES.glob("*/requirements*.txt")])
FRAMEWORKS = {"torch", "tensorflow", "tensorflow-cpu"}


def lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def versions(path: Path) -> dict[str, str]:
    """Return name -> version, without the local label (+cpu) that says how a wheel was built."""
    return dict(re.match(r"([\w.-]+)==([^\s+;]+)", line).groups() for line in lines(path))


def named(path: Path) -> list[str]:
    """Return the names that a list of requirements asks for, and those of the lists that it includes."""
    found = []
    for line in lines(path):
        included = re.match(r"-r (\S+)", line)
        found += named(path.parent / included[1]) if included else [re.match(r"[\w-]+", line)[0]]
    return found


def test_there_is_a_lock_for_every_list():
    lists = {path.with_suffix(".txt") for path in IMAGES.glob("*/requirements*.in")}
    assert lists == set(LOCKS) - {IMAGES / "kfp.txt"}
    variants = {f"{image}/requirements-{variant}.txt" for image in ("gan", "classifier") for variant in ("cpu", "cuda")}
    assert {str(path.relative_to(IMAGES)) for path in lists} == variants | {"data/requirements.txt"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_package_of_a_lock_is_pinned_and_hashed(lock):
    assert lines(lock)
    for line in lines(lock):
        assert re.fullmatch(r"[a-z0-9-]+==\S+ --hash=sha256:[0-9a-f]{64}", line)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_image_and_the_local_environment_agree_on_the_versions_they_share(lock):
    local, image = versions(IMAGES / "local.txt"), versions(lock)
    shared = local.keys() & image.keys()
    assert shared
    assert {name: image[name] for name in shared} == {name: local[name] for name in shared}


def test_every_package_of_the_local_environment_is_pinned_and_hashed():
    for line in lines(IMAGES / "local.txt"):
        assert re.fullmatch(r"[a-z0-9-]+==[^\s+]+( --hash=sha256:[0-9a-f]{64})+", line), line


def test_the_local_environment_takes_every_build_that_an_image_takes():
    """PyTorch for CPUs and for CUDA are two files of one version; `make setup` takes either."""
    local = {line.partition(" ")[0]: line for line in lines(IMAGES / "local.txt")}
    for lock in LOCKS:
        for line in lines(lock):
            pin, digest = line.split(" --hash=")
            plain = pin.partition("+")[0]
            assert plain not in local or digest in local[plain], f"{lock}: {pin}"
    assert local["torch==" + versions(IMAGES / "local.txt")["torch"]].count("--hash=") == 2


def test_the_frameworks_of_the_cuda_variants_are_of_the_local_versions():
    local = versions(IMAGES / "local.txt")
    assert versions(IMAGES / "gan/requirements-cuda.txt")["torch"] == local["torch"]
    assert versions(IMAGES / "classifier/requirements-cuda.txt")["tensorflow"] == local["tensorflow-cpu"]


@pytest.mark.parametrize("lock", sorted(set(LOCKS) - {IMAGES / "kfp.txt"}), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_lock_holds_what_its_list_names_and_no_other_framework(lock):
    wanted, held = set(named(lock.with_suffix(".in"))), versions(lock).keys()
    assert wanted <= held
    assert held & FRAMEWORKS == wanted & FRAMEWORKS
    assert len(held & FRAMEWORKS) == (0 if lock.parent.name == "data" else 1)


def test_cuda_comes_with_the_cuda_variants_alone():
    for lock in LOCKS:
        has_cuda = any(name.startswith("nvidia-") for name in versions(lock))
        assert has_cuda == lock.stem.endswith("cuda"), lock


def test_the_frameworks_bring_no_cuda_package_that_a_common_layer_could_hold():
    """PyTorch takes CUDA 13, TensorFlow CUDA 12. Where this fails, both images can share a layer of what they share."""
    gan, classifier = (set(lines(IMAGES / image / "requirements-cuda.txt")) for image in ("gan", "classifier"))
    assert [line for line in gan & classifier if line.startswith("nvidia-")] == []


def test_no_file_of_the_images_names_a_registry_or_an_index():
    for path in (
        path for path in IMAGES.rglob("*") if path.suffix in (".txt", ".in", ".sh") or path.stem == "Dockerfile"
    ):
        assert not re.search(r"://|--index-url|--find-links|pypi\.org|docker\.io", path.read_text()), path
