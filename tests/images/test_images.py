"""The images themselves, built from this checkout and looked into."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "data": {"contracts", "storage", "data_set", "pictures", "plan", "prepare", "fetch_classifier", "compare"},
    "gan": {"contracts", "storage", "data_set", "pictures", "generators", "train_gan", "synthesize", "embed", "audit"},
    "classifier": {"contracts", "classifiers", "train_classifier", "evaluate"},
}
LOOK = """
import importlib, importlib.metadata, json, os, pathlib, shutil
SITE = "/opt/gansweep/lib/python3.11/site-packages"
app = pathlib.Path("/app")
for path in (path for path in app.glob("components/**/*.py") if path.stem != "component"):
    importlib.import_module(".".join(path.relative_to(app).with_suffix("").parts).removesuffix(".__init__"))
print(json.dumps({
    "packages": [d.metadata["Name"].lower().replace("_", "-") for d in importlib.metadata.distributions(path=[SITE])],
    "folders": sorted(p.name for p in (app / "components").iterdir() if p.is_dir()),
    "others": sorted(p.name for p in app.iterdir()),
    "uid": os.getuid(),
    "tools": [tool for tool in ("cc", "gcc", "g++", "clang", "make", "git", "curl") if shutil.which(tool)],
}))
"""


@pytest.fixture(scope="module", params=FOLDERS)
def inside(request, engine, images):
    """Return an image's short name, the engine's record of it, and what a container of it sees."""
    name = request.param
    said = engine.containers.run(
        images[name],
        ["python3", "-c", LOOK],
        network_mode="none",
        remove=True,
    )
    return name, engine.images.get(images[name]), json.loads(said.splitlines()[-1])


def test_every_module_of_its_stages_imports_and_no_other_stage_is_there(inside):
    name, _, seen = inside
    assert set(seen["folders"]) == FOLDERS[name]
    assert seen["others"] == ["components"]


def test_an_image_holds_its_own_framework_alone(inside):
    name, _, seen = inside
    frameworks = {"torch", "tensorflow", "tensorflow-cpu", "keras"} & set(seen["packages"])
    assert frameworks == {"data": set(), "gan": {"torch"}, "classifier": {"tensorflow-cpu", "keras"}}[name]


def test_neither_compilers_nor_pip_nor_caches_are_left_inside(inside, engine):
    _, image, seen = inside
    assert seen["tools"] == []
    assert "pip" not in seen["packages"]
    found = "find / -xdev -name '*.deb' -o -path '/root/.cache/*' -o -path '/opt/gansweep/*' -name '*.a'"
    assert engine.containers.run(image, ["sh", "-c", found], user="0", network_mode="none", remove=True) == b""


def test_the_user_is_a_number_and_not_root(inside):
    _, image, seen = inside
    assert image.attrs["Config"]["User"] == "10001:10001"
    assert seen["uid"] == 10001


def test_labels_say_where_an_image_comes_from(inside):
    name, image, _ = inside
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in image.labels.items()}
    assert labels["title"] == f"gansweep {name}"
    revision = subprocess.check_output(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, text=True).strip()
    assert labels["revision"].removesuffix("-dirty") == revision
    assert f"gansweep/{name}:{labels['revision']}" in image.tags
    assert f"gansweep/{name}:{labels['version']}" in image.tags
    assert "source" in labels


def scan(*images: str, out: Path) -> subprocess.CompletedProcess:
    words = [sys.executable, ROOT / "images/scan.py", "--base", "python:3.11-slim-bookworm", "--out", out, *images]
    return subprocess.run(words, capture_output=True, text=True)


def test_scan_finds_nothing_wrong_and_lists_what_is_inside(images, tmp_path):
    done = scan(*images.values(), out=tmp_path)
    assert done.returncode == 0, done.stderr
    bill = json.loads((tmp_path / "classifier.json").read_text())
    addresses = {component["purl"] for component in bill["components"]}
    assert any(address.startswith("pkg:pypi/tensorflow-cpu@") for address in addresses)
    assert any(address.startswith("pkg:deb/debian/libc6@") for address in addresses)


def test_scan_finds_what_must_not_be_in_an_image_even_if_a_later_layer_removes_it(engine, images, tmp_path):
    (tmp_path / "key").write_text(f"-----BEGIN RSA PRIVATE KEY-----\n{'MIIE' * 20}\n-----END RSA PRIVATE KEY-----\n")
    (tmp_path / "Dockerfile").write_text(
        f"FROM {images['data']}\nUSER 0\nENV API_TOKEN=x\nCOPY key /app/key\nRUN rm /app/key\n"
        "RUN cp /bin/true /app/true && chmod 4755 /app/true && mkdir /app/open && chmod 777 /app/open\n"
    )
    engine.images.build(path=str(tmp_path), tag="gansweep-test/bad:1", rm=True)
    try:
        done = scan("gansweep-test/bad:1", out=tmp_path)
    finally:
        engine.images.remove("gansweep-test/bad:1", force=True)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "gansweep-test/bad:1: its environment sets API_TOKEN",
        "gansweep-test/bad:1: /app/key: holds a private key",
        "gansweep-test/bad:1: /app/open: anyone may write it",
        "gansweep-test/bad:1: /app/true: is setuid or setgid",
    ]
