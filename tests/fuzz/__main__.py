"""Hands mutated pictures and tables to what reads them: python -m tests.fuzz [count] [seed]

Each is read or refused in words; anything else is shown with its seed and number, and the status is 1.
"""

import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from components.contracts.errors import InputError
from components.data_set.data_set import open_data_set
from components.pictures.decode import RefusedImage, decode
from tests.fuzz.mutants import mutated, pictures, tables

NAMES = [f"ISIC_{i:04}" for i in range(16)]


def read_picture(data: bytes) -> None:
    """Decode a picture as `prepare` does; raises RefusedImage."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture = decode(data, 16)
    assert picture.pixels.shape == (16, 16, 3)
    assert picture.pixels.dtype == "uint8"


def table_reader(folder: Path) -> Callable[[bytes], None]:
    """Return what lists a data set of 16 images with a table, given as bytes; raises InputError."""
    (folder / "images").mkdir()
    for name in NAMES:
        (folder / "images" / f"{name}.png").write_bytes(b"not read")

    def read(data: bytes) -> None:
        (folder / "table.csv").write_bytes(data)
        data_set = open_data_set(str(folder / "images"), str(folder / "table.csv"), {"subgroups": []})
        lines = [*data_set.understood(), *data_set.warnings]
        assert all(line.isprintable() for line in lines), lines

    return read


def tried(read: Callable[[bytes], None], mutants: Iterator[tuple[str, bytes]]) -> tuple[Counter[str], float, list[str]]:
    """Read all; return how many were "read" and "refused", the slowest's processor seconds, and what else happened."""
    found: Counter[str] = Counter()
    slowest, wrong = 0.0, []
    for number, (kind, data) in enumerate(mutants):
        start = time.process_time()
        try:
            read(data)
            found["read"] += 1
        except (RefusedImage, InputError) as refusal:
            found["refused"] += 1
            if not str(refusal).isprintable():
                wrong.append(f"{kind}, number {number}: not printable: {str(refusal)!r}")
        except Exception:
            wrong.append(f"{kind}, number {number}: {traceback.format_exc(limit=-4)}")
        slowest = max(slowest, time.process_time() - start)
    return found, slowest, wrong


def fuzz(count: int, seed: int) -> dict[str, tuple[Counter[str], float, list[str]]]:
    """Try `count` mutated pictures and as many tables."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            "pictures": tried(read_picture, mutated(pictures(), count, seed)),
            "tables": tried(table_reader(Path(folder)), mutated(tables(NAMES), count, seed)),
        }


def main() -> int:
    """Try, print what happened, and return the exit status."""
    count, seed = (int(word) for word in [*sys.argv[1:], *("60000", "0")[len(sys.argv) - 1 :]])
    results = fuzz(count, seed)
    for what, (found, slowest, wrong) in results.items():
        print(
            f"{what}: {found['read']:,} read, {found['refused']:,} refused, {len(wrong)} else, slowest {slowest:.2f} s"
        )
        print("".join(f"{line}\n" for line in wrong[:5]), end="")
    return int(any(wrong for _, _, wrong in results.values()))


if __name__ == "__main__":
    sys.exit(main())
