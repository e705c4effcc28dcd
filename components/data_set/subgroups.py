"""Cuts a column's numbers into bands, so that results can be told by them."""

import re
from collections.abc import Sequence

import numpy as np

from components.data_set.columns import is_nothing

FEW = 10  # a column of numbers with more different ones is cut, into thirds unless told otherwise


def subgroup_values(cells: Sequence[str], cut: str) -> tuple[list[str], int]:
    """Return the subgroup of each cell ("" where nothing is known), and how many cells were no number but had to be.

    `cut` is "" (as they are; more than 10 different numbers are cut into thirds), edges such as "40,60" (<40, 40 to
    <60, >=60), or "q" and how many equal parts by quantiles: "q4".
    """
    known = ["" if is_nothing(cell) else cell for cell in cells]
    numbers = [_number(cell) for cell in known]
    given = [number for number in numbers if number is not None]
    if not cut:
        if len(given) < len([cell for cell in known if cell]) or len(set(given)) <= FEW:
            return known, 0
        cut = "q3"
    if cut.startswith("q"):
        parts = int(cut[1:])
        edges = np.unique(np.quantile(given, np.arange(1, parts) / parts)).tolist() if given else []
    else:
        edges = sorted({float(edge) for edge in cut.split(",")})
    lost = sum(number is None and cell != "" for number, cell in zip(numbers, known, strict=True))
    return ["" if number is None else _band(number, edges) for number in numbers], lost


def _band(number: float, edges: list[float]) -> str:
    if not edges:
        return "all"
    place = int(np.searchsorted(edges, number, side="right"))
    if place == 0:
        return f"<{edges[0]:g}"
    if place == len(edges):
        return f">={edges[-1]:g}"
    return f"{edges[place - 1]:g} to <{edges[place]:g}"


def _number(cell: str) -> float | None:
    try:
        number = float(re.sub(r"^(-?\d+),(\d+)$", r"\1.\2", cell))  # 45,5 as half of Europe writes it
    except ValueError:
        return None
    return number if np.isfinite(number) else None
