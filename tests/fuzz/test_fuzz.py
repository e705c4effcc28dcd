"""A small form of `make fuzz`: mutated files are read or refused, never anything else."""

import pytest

from tests.fuzz.__main__ import NAMES, fuzz, read_picture, table_reader, tried
from tests.fuzz.mutants import mutated, pictures, tables


@pytest.fixture(scope="module")
def results():
    return fuzz(1500, seed=1)


@pytest.mark.parametrize("what", ["pictures", "tables"])
def test_mutated_files_are_read_or_refused_and_nothing_else(results, what):
    found, _, wrong = results[what]
    assert wrong == []
    assert found.total() == 1500
    assert min(found["read"], found["refused"]) > 100


def test_every_file_is_read_as_long_as_it_is_whole(tmp_path):
    for read, files in ((read_picture, pictures()), (table_reader(tmp_path), tables(NAMES))):
        found, _, wrong = tried(read, iter(files.items()))
        assert (found["read"], wrong) == (len(files), [])


@pytest.mark.parametrize("files", [pictures(), tables(NAMES)], ids=["pictures", "tables"])
def test_the_same_seed_gives_the_same_mutants(files):
    assert list(mutated(files, 50, 3)) == list(mutated(files, 50, 3)) != list(mutated(files, 50, 4))


def test_what_is_neither_read_nor_refused_is_told():
    def break_down(data: bytes) -> None:
        raise ValueError("unforeseen")

    _, _, wrong = tried(break_down, iter([("kind", b"")]))
    assert "kind, number 0" in wrong[0]
    assert "ValueError: unforeseen" in wrong[0]
