"""Groups: images of one lesion or patient, or near-duplicates; no group stands on both sides of a split."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from components.contracts.errors import InputError

GROUP_COLUMNS = ("group", "lesion_id", "patient_id")


def read_groups(table: str | Path, paths: Sequence[str]) -> dict[str, str]:
    """Read a table of groups (CSV with a header); returns the group of each of the images (`paths`) that it lists.

    The first column names the image: its path in the data set, or its file name, with or without the ending, where that
    names one image only. The group stands in the column `group`, `lesion_id` or `patient_id`, else in the second.
    Images that aren't in the data set and rows without a group are passed over. Raises InputError for a table that is
    missing, broken, ambiguous, contradicts itself or matches no image.
    """
    lines = _lines(table)
    if not lines or len(lines[0][1]) < 2:
        raise InputError(f"groups: {table}: needs a header and two columns with a comma between: image,group")
    header = [name.strip().lower() for name in lines[0][1]]
    column = next((header.index(name) for name in GROUP_COLUMNS if name in header[1:]), 1)
    rows_of = _rows_by_name(paths)
    groups: dict[str, str] = {}
    for line, cells in lines[1:]:
        if len(cells) <= column:
            raise InputError(f"groups: {table}: line {line} has no column '{header[column]}'; add it")
        name, group = PurePosixPath(cells[0].strip()).as_posix(), cells[column].strip()
        rows = rows_of.get(name, [])
        if not rows or not group:
            continue
        if len(rows) > 1:
            raise InputError(
                f"groups: {table}: line {line}: '{name}' names {len(rows)} images, such as {paths[rows[0]]} and "
                f"{paths[rows[1]]}; write the path"
            )
        path = paths[rows[0]]
        if groups.setdefault(path, group) != group:
            raise InputError(
                f"groups: {table}: line {line}: {path} is in group '{group}' and in '{groups[path]}'; keep one"
            )
    if not groups:
        raise InputError(
            f"groups: {table}: names no image of the data set; its first column must hold paths such as {paths[0]}"
        )
    return groups


def connected(count: int, *links: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return which component (int64, N) each of `count` images is in when the rows of each link belong together."""
    first = np.concatenate([np.asarray(link[0], dtype=np.int64) for link in links])
    second = np.concatenate([np.asarray(link[1], dtype=np.int64) for link in links])
    graph = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def table_links(groups: dict[str, str], paths: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return links that tie the images of each listed group together (its first image to each of them)."""
    first_of: dict[str, int] = {}
    rows = [row for row, path in enumerate(paths) if path in groups]
    first = [first_of.setdefault(groups[paths[row]], row) for row in rows]
    return np.array(first, dtype=np.int64), np.array(rows, dtype=np.int64)


def group_names(components: np.ndarray, groups: dict[str, str], paths: Sequence[str]) -> np.ndarray:
    """Return a name (str, N) for each image's component: the least of its listed groups, else "image:" and a path."""
    names: dict[int, str] = {}
    for component, path in zip(components.tolist(), paths, strict=True):
        if path in groups:
            names[component] = min(groups[path], names.get(component, groups[path]))
    for component, path in zip(components.tolist(), paths, strict=True):
        names.setdefault(component, f"image:{path}")
    return np.array([names[component] for component in components.tolist()], dtype=np.str_)


def _lines(table: str | Path) -> list[tuple[int, list[str]]]:
    """Return the lines of a CSV that hold anything, with their numbers."""
    try:
        with Path(table).expanduser().open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            return [(reader.line_num, cells) for cells in reader if any(cells)]
    except FileNotFoundError:
        raise InputError(f"groups: {table}: there is no such file; check the path") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"groups: {table}: not a table of groups ({error}); give a CSV file in UTF-8") from None


def _rows_by_name(paths: Sequence[str]) -> dict[str, list[int]]:
    """Return the rows that each path stands for, and each file name and stem that isn't itself a path."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, path in enumerate(paths):
        for name in {PurePosixPath(path).name, PurePosixPath(path).stem}:
            rows[name].append(row)
    return {**rows, **{path: [row] for row, path in enumerate(paths)}}
