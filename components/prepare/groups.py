"""Groups: images of one lesion or patient, or near-duplicates; no group stands on both sides of a split."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


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
