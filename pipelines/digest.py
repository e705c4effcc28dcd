"""Identifies the code of the stages. Python's own library only, so that `make images` needs no environment."""

import hashlib
from pathlib import Path

import components


def code_digest() -> str:
    """Return a SHA-256 over the names and contents of every source file of the stages."""
    root = Path(components.__file__).parent
    whole = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        whole.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()


if __name__ == "__main__":
    print(code_digest())
