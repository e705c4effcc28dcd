"""What one pod of a loop works through: GANs, or arms, one after the other, each with a folder in the pod's artifact.

Starting a pod takes Kubeflow half a minute, so that there need be no more of them than keep the nodes busy.
"""

from collections.abc import Sequence
from pathlib import Path

from components.contracts.errors import InputError
from components.contracts.files import fresh_folder, read_json, write_json

INDEX = "cells.json"


def deal(work: Sequence[float], pods: int) -> list[list[int]]:
    """Deal cells out to so many `pods` (0: one each), and return the places of those of each pod, in order.

    `work` is what each cell is expected to take. The largest go first, each to the pod that has least to do: none then
    has more than 4/3 of what the best deal would give the busiest (Graham 1969, Bounds on multiprocessing timing
    anomalies).
    """
    count = min(pods or len(work), len(work))
    dealt: list[list[int]] = [[] for _ in range(count)]
    loads = [0.0] * count
    for place in sorted(range(len(work)), key=lambda place: -work[place]):
        least = min(range(count), key=lambda pod: (loads[pod], len(dealt[pod])))
        dealt[least].append(place)
        loads[least] += work[place]
    return sorted(sorted(places) for places in dealt)


def cell_folders(artifact: str | Path, cells: Sequence[str]) -> list[Path]:
    """Return where each of these cells writes its part of an artifact, which is empty but for their names."""
    folder = fresh_folder(artifact)
    write_json(folder / INDEX, list(cells))
    return [folder / str(number) for number in range(len(cells))]


def folders_of(artifact: str | Path) -> list[Path]:
    """Return the folders of the cells in an artifact; raises InputError naming the file that is missing or broken."""
    folder = Path(artifact)
    cells = read_json(folder / INDEX)
    if not isinstance(cells, list):
        raise InputError(f"{folder / INDEX}: holds no list of cells")
    return [folder / str(number) for number in range(len(cells))]
