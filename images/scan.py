"""Lists what is inside images and checks it: python images/scan.py --base PYTHON_IMAGE IMAGE...

Writes one software bill of materials an image (CycloneDX JSON) and looks, in every layer beyond the base's (a file
that a later layer removes is still in the image), for secrets, setuid files and files that anyone may write. Contents
of installed packages are not searched: they are those of the locked wheels, whose hashes pip has checked.
"""

import argparse
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from email.parser import HeaderParser
from pathlib import Path

SECRET_NAMES = re.compile(
    r"(^|/)(\.netrc|\.pypirc|\.npmrc|\.env|\.git-credentials|id_(rsa|dsa|ecdsa|ed25519)|\.aws/credentials|\.docker/config\.json)$"
)
SECRETS = {
    "a private key": re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{60}"),
    "an access key": re.compile(rb"\bAKIA[0-9A-Z]{16}\b"),
    "a token": re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40}|pypi-AgEI[\w-]{40}|hf_[A-Za-z0-9]{34})"),
    "a password in an address": re.compile(rb"\bhttps?://[\w.+-]+:[^\s/@:{}<>$%*]{6,}@\w"),
}
READ_UP_TO = 1_000_000  # bytes
WRITABLE_BY_DESIGN = ("tmp", "var/tmp", "dev", "run/lock")


@contextmanager
def saved(images: list[str]) -> Iterator[dict[str, tuple[dict, list[tarfile.TarFile]]]]:
    """Yield name:tag -> an image's configuration and its layers, lowest first."""
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile())
        subprocess.run(["docker", "save", *images], stdout=file, check=True)
        file.seek(0)
        archive = stack.enter_context(tarfile.open(fileobj=file))
        found = {}
        for image in json.load(archive.extractfile("manifest.json")):
            config = json.load(archive.extractfile(image["Config"]))
            files = (archive.extractfile(name) for name in image["Layers"])
            layers = [stack.enter_context(tarfile.open(fileobj=file)) for file in files]
            found |= dict.fromkeys(image["RepoTags"], (config, layers))
        yield found


def layer_digests(image: str) -> list[str]:
    """Return the digests of an image's layers, lowest first; raises CalledProcessError if there is no such image."""
    command = ["docker", "image", "inspect", "--format", "{{json .RootFS.Layers}}", image]
    return json.loads(subprocess.check_output(command))


def file_problems(layer: tarfile.TarFile) -> Iterator[str]:
    """Yield what is wrong with the files of one layer."""
    for member in layer:
        path = member.name.removeprefix("./")
        if member.issym():
            continue
        if member.mode & 0o6000 and not member.isdir():
            yield f"/{path}: is setuid or setgid"
        if member.mode & 0o002 and not any(path == top or path.startswith(f"{top}/") for top in WRITABLE_BY_DESIGN):
            yield f"/{path}: anyone may write it"
        if SECRET_NAMES.search(path):
            yield f"/{path}: has the name of a file of secrets"
        if member.isreg() and member.size <= READ_UP_TO and "/site-packages/" not in path:
            yield from (f"/{path}: holds {what}" for what in secrets(layer.extractfile(member).read()))


def config_problems(config: dict) -> Iterator[str]:
    """Yield what is wrong with an image's configuration: secrets in its environment, labels or history."""
    for what in secrets(json.dumps(config).encode()):
        yield f"its configuration or history holds {what}"
    for name in (entry.partition("=")[0] for entry in config["config"]["Env"]):
        if re.search(r"TOKEN|SECRET|PASSW|CREDENTIAL|_KEY$", name, re.IGNORECASE):
            yield f"its environment sets {name}"


def secrets(content: bytes) -> list[str]:
    """Return the kinds of secrets that some bytes hold."""
    return [what for what, pattern in SECRETS.items() if pattern.search(content)]


def packages(layers: Iterable[tarfile.TarFile]) -> list[dict]:
    """Return the Python and Debian packages of an image as CycloneDX components, in order of their addresses."""
    found = {}
    for layer in layers:
        for member in layer:
            path = member.name.removeprefix("./")
            if re.search(r"\.dist-info/METADATA$", path):
                about = HeaderParser().parsestr(layer.extractfile(member).read().decode(errors="replace"))
                name, version = re.sub(r"[-_.]+", "-", about["Name"]).lower(), about["Version"]
                found[path] = component(name, version, f"pkg:pypi/{name}@{version}", python_licence(about))
            elif path == "var/lib/dpkg/status":
                for entry in layer.extractfile(member).read().decode().split("\n\n"):
                    about = HeaderParser().parsestr(entry)
                    if about["Package"]:
                        name, version = about["Package"], about["Version"]
                        found[f"{path} {name}"] = component(name, version, f"pkg:deb/debian/{name}@{version}", "")
    return sorted(found.values(), key=lambda package: package["purl"])


def python_licence(about) -> str:
    """Return the licence that a package's metadata state, "" if none in short."""
    classified = [c.split(" :: ")[-1] for c in about.get_all("Classifier", []) if c.startswith("License :: OSI")]
    stated = about["License-Expression"] or (classified[0] if classified else about["License"]) or ""
    return stated if len(stated) < 80 else ""


def component(name: str, version: str, address: str, licence: str) -> dict:
    """Return one entry of a bill of materials."""
    entry = {"type": "library", "name": name, "version": version, "purl": address}
    return {**entry, "licenses": [{"license": {"name": licence}}]} if licence else entry


def scan(image: str, config: dict, layers: list[tarfile.TarFile], base: list[str], folder: Path) -> list[str]:
    """Write an image's bill of materials, print its Python packages, and return what is wrong with it.

    `base` holds the digests of the layers of the image that it must be made from.
    """
    if config["rootfs"]["diff_ids"][: len(base)] != base:
        return ["is not made from the base named; build it anew, or name its base with --base"]
    inside = packages(layers)
    name, _, tag = image.rpartition("/")[2].partition(":")
    about = {"component": {"type": "container", "name": name, "version": tag}}
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": about, "components": inside}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")
    python = [package for package in inside if package["purl"].startswith("pkg:pypi/")]
    print(f"{image}: {len(python)} Python and {len(inside) - len(python)} Debian packages ({folder / name}.json)")
    for package in python:
        licence = package["licenses"][0]["license"]["name"] if "licenses" in package else "licence not stated"
        print(f"  {package['name']} {package['version']} ({licence})")
    own = layers[len(base) :]
    return [*config_problems(config), *(problem for layer in own for problem in file_problems(layer))]


def main() -> None:
    """Scan the images named on the command line; the exit status is 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="+")
    parser.add_argument("--base", required=True)
    parser.add_argument("--out", type=Path, default=Path("build/sbom"))
    given = parser.parse_args()
    base = layer_digests(given.base)
    with saved(given.images) as found:
        problems = [
            f"{image}: {problem}" for image in given.images for problem in scan(image, *found[image], base, given.out)
        ]
    if problems:
        sys.exit("\n".join(problems))
    print("No secrets, no setuid or world-writable files beyond those of the base.")


if __name__ == "__main__":
    main()
