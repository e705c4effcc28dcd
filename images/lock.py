"""Writes the locked requirements, for Linux on x86-64 and Python 3.11: python images/lock.py.

pip resolves the list of each image against images/local.txt, which pip-compile has written, so that an image and the
local environment agree on every version they share, and reports the one file it would install of each package, with its
hash. images/local.txt gets hashes last: where an image has another build of a package (PyTorch's for CPUs and for CUDA
are two files of one version), either will do. What comes with CUDA alone is left to the lock of that image.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
LOCAL = FOLDER / "local.txt"
# kfp without its dependencies is all that running a component needs.
KFP = FOLDER / "kfp.txt"
WHEELS = "--only-binary=:all:"


def pins(text: str) -> dict[str, str]:
    """Return name -> version of a lock; a local label such as +cpu says how a wheel was built and is left out."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s+]+)", text, flags=re.MULTILINE))


def resolve(*arguments: str) -> Iterator[tuple[str, str, str]]:
    """Yield (name, version, SHA-256) of every file that pip would install; raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        subprocess.run([*command, "--report", str(report), *arguments], check=True)
        for package in json.loads(report.read_text(encoding="utf-8"))["install"]:
            name = re.sub(r"[-_.]+", "-", package["metadata"]["name"]).lower()
            yield name, package["metadata"]["version"], package["download_info"]["archive_info"]["hashes"]["sha256"]


def write_lock(path: Path, *arguments: str) -> list[tuple[str, str, str]]:
    """Write what pip resolves the arguments to, in order of names, and return it."""
    locked = sorted(resolve(WHEELS, *arguments))
    _write(path, [f"{name}=={version} --hash=sha256:{digest}" for name, version, digest in locked])
    return locked


def write_local(constraints: Path, images: list[tuple[str, str, str]]) -> None:
    """Write the local lock: the versions of `constraints`, each with the hashes of all its builds that are locked."""
    lines = []
    with_cuda, without = (pins((FOLDER / "gan" / f"requirements-{kind}.txt").read_text()) for kind in ("cuda", "cpu"))
    for name, version, digest in sorted(resolve("--prefer-binary", "--no-deps", "-r", str(constraints))):
        if name in with_cuda.keys() - without.keys():
            continue
        plain = version.partition("+")[0]
        others = {other for label, build, other in images if (label, build.partition("+")[0]) == (name, plain)}
        lines.append(" ".join([f"{name}=={plain}", *(f"--hash=sha256:{each}" for each in sorted({digest, *others}))]))
    _write(LOCAL, lines)


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("# Written by make lock.\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(f"{path.relative_to(FOLDER.parent)}: {len(lines)} packages")


def main() -> None:
    """Write every lock."""
    local = pins(LOCAL.read_text(encoding="utf-8"))
    images = write_lock(KFP, "--no-deps", f"kfp=={local['kfp']}")
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in local.items()), encoding="utf-8")
        for requirements in sorted(FOLDER.glob("*/requirements*.in")):
            images += write_lock(requirements.with_suffix(".txt"), "-c", str(constraints), "-r", str(requirements))
        write_local(constraints, images)


if __name__ == "__main__":
    main()
