"""Measures the quality of every generator's images."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from components.audit.generators import Generator
from components.audit.quality import quality
from components.contracts.features import measured_rows
from components.contracts.imageset import ImageSet
from components.contracts.progress import report

# Gives the features, float64 [n, D], of some rows of the development or the synthetic set (named so).
FeaturesOf = Callable[[str, np.ndarray], np.ndarray]


def measure_quality(
    synthetic: ImageSet,
    development: ImageSet,
    generators: list[Generator],
    features_of: FeaturesOf,
    seed: int,
    workers: int = 1,
) -> list[dict[str, Any]]:
    """Return the figures of audit.json's `quality`, one a generator; at most 5000 real images a class are used.

    So many `workers` judge a generator each at a time, which changes no figure.
    """
    rows = measured_rows(development, seed)
    real_rows = {one.label: rows[development.labels[rows] == one.label] for one in generators}
    real = {label: features_of("development", of_class) for label, of_class in real_rows.items()}

    def judge(one: Generator) -> dict[str, Any]:
        groups = development.groups[real_rows[one.label]]
        made = features_of("synthetic", one.rows[: len(groups) // 2])
        return quality(real[one.label], groups, made, one.seed(seed))

    found = []
    with ThreadPoolExecutor(workers) as pool:
        for one, figures in zip(generators, pool.map(judge, generators), strict=True):
            found.append({"class": development.classes[one.label], "generator": one.name, **figures})
            kids = {"kid": figures["kid"], "floor": figures["floor"]["kid"]}
            report("audit", "-", len(found), len(generators), "qualities", **kids)
    return found
