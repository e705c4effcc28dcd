"""Writes the locked requirements of the images, for Linux on x86-64 and Python 3.11: python images/lock.py.

pip resolves each list against images/local.txt, so that an image and the local environment agree on every version
they share, and reports the one wheel it would install of each package, with its hash.
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


def pins(text: str) -> dict[str, str]:
    """Return name -> version of a lock; a local label such as +cpu says how a wheel was built and is left out."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s+]+)", text, flags=re.MULTILINE))


def resolve(*arguments: str) -> Iterator[tuple[str, str, str]]:
    """Yield (name, version, SHA-256) of every wheel that pip would install; raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        subprocess.run([*command, "--only-binary=:all:", "--report", str(report), *arguments], check=True)
        for package in json.loads(report.read_text(encoding="utf-8"))["install"]:
            name = re.sub(r"[-_.]+", "-", package["metadata"]["name"]).lower()
            yield name, package["metadata"]["version"], package["download_info"]["archive_info"]["hashes"]["sha256"]


def write_lock(path: Path, *arguments: str) -> None:
    """Write what pip resolves the arguments to, in order of names."""
    lines = [f"{name}=={version} --hash=sha256:{digest}\n" for name, version, digest in sorted(resolve(*arguments))]
    path.write_text("# Written by make lock.\n" + "".join(lines), encoding="utf-8")
    print(f"{path.relative_to(FOLDER.parent)}: {len(lines)} packages")


def main() -> None:
    """Write every lock."""
    local = pins(LOCAL.read_text(encoding="utf-8"))
    write_lock(KFP, "--no-deps", f"kfp=={local['kfp']}")
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in local.items()), encoding="utf-8")
        for requirements in sorted(FOLDER.glob("*/requirements*.in")):
            write_lock(requirements.with_suffix(".txt"), "-c", str(constraints), "-r", str(requirements))


if __name__ == "__main__":
    main()
