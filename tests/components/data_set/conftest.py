from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from components.contracts.errors import InputError
from components.data_set.data_set import DataSet, open_data_set


@pytest.fixture
def lay(tmp_path) -> Callable[..., Path]:
    """Return a function that makes a folder of files (a few bytes each), by their paths; returns it."""

    def make(*paths: str | Iterable[str]) -> Path:
        root = tmp_path / "images"
        for path in (path for given in paths for path in ([given] if isinstance(given, str) else given)):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(b"not read")
        return root

    return make


@pytest.fixture
def described(lay, tmp_path) -> Callable[..., DataSet]:
    """Return a function that lists the given files with a table, given as text or bytes."""

    def describe(paths: Iterable[str], table: str | bytes, **columns) -> DataSet:
        root = lay(paths)
        (tmp_path / "t.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
        return open_data_set(str(root), str(tmp_path / "t.csv"), columns)

    return describe


@pytest.fixture
def refused(described) -> Callable[..., str]:
    """Return a function that does the same and returns the refusal."""

    def describe(paths: Iterable[str], table: str | bytes, **columns) -> str:
        with pytest.raises(InputError) as caught:
            described(paths, table, **columns)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return describe
