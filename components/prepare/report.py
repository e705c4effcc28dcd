"""The data report: what was found in a data set, as one dictionary (data_report.json)."""

import base64
import io
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from components.contracts.imageset import ImageSet
from components.prepare.duplicates import Pairs
from components.prepare.leaks import Leaks
from components.prepare.reading import Reading

MOST_LISTED = 1000  # pairs
MOST_PICTURES = 10


def data_report(
    whole: ImageSet,
    reading: Reading,
    exact: Pairs,
    near: Pairs,
    leaks: Leaks,
    left_out: np.ndarray,
    listed: dict[str, str],
    policy: str,
) -> dict[str, Any]:
    """Return the report on a data set as a dictionary for JSON.

    `whole` holds all readable images, also the development images left out because they leak (`left_out`, mask).
    Lists of pairs hold the 1000 worst, with the number of all beside them. The digest covers paths, labels and pixels.
    """
    both = Pairs(*(np.concatenate(columns) for columns in zip(exact.columns, near.columns, strict=True)))
    differ = both.chosen(whole.labels[both.first] != whole.labels[both.second])
    kept = {"development": (whole.splits == "development") & ~left_out, "test": whole.splits == "test"}
    return {
        "name": whole.name,
        "notice": whole.notice,
        "digest": replace(whole, groups=np.full(len(whole), "")).digest(),
        "classes": list(whole.classes),
        "counts": {
            split: {name: int(np.sum(mask & (whole.labels == label))) for label, name in enumerate(whole.classes)}
            for split, mask in kept.items()
        },
        "files": len(reading.files) + len(reading.refused),
        "refused": [{"path": file.path, "reason": reason} for file, reason in reading.refused],
        "converted": reading.converted,
        "exact_duplicates": _entries(exact, whole),
        "exact_duplicate_count": len(exact),
        "near_duplicates": _entries(near, whole),
        "near_duplicate_count": len(near),
        "conflicting_labels": _entries(differ, whole),
        "conflicting_label_count": len(differ),
        "leaks": {
            "test_images": int(leaks.test.sum()),
            "development_images": int(leaks.development.sum()),
            "by_group_table": int(leaks.test_by_table.sum()),
            "by_near_duplicate": int(leaks.test_by_similarity.sum()),
            "dropped": int(left_out.sum()),
            "policy": policy,
        },
        "groups": {
            "given": bool(listed),
            "count": len(np.unique(whole.groups)),
            "unlisted": sum(path not in listed for path in whole.paths.tolist()),
            "largest": int(np.unique(whole.groups, return_counts=True)[1].max()),
        },
        "worst_pairs": _worst(both, whole),
    }


def side_by_side(left: np.ndarray, right: np.ndarray) -> str:
    """Return two pictures (uint8, S x S x 3) beside each other, a white gap between, as a base64 PNG."""
    gap = np.full((left.shape[0], max(1, left.shape[0] // 16), 3), 255, dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.concatenate([left, gap, right], axis=1)).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _entries(pairs: Pairs, whole: ImageSet) -> list[dict[str, Any]]:
    """Return the first 1000 pairs as dictionaries."""
    return [
        {
            "a": str(whole.paths[first]),
            "b": str(whole.paths[second]),
            "correlation": float(correlation),
            "across_splits": bool(whole.splits[first] != whole.splits[second]),
            "same_label": bool(whole.labels[first] == whole.labels[second]),
        }
        for first, second, correlation in zip(*(column[:MOST_LISTED] for column in pairs.columns), strict=True)
    ]


def _worst(pairs: Pairs, whole: ImageSet) -> list[dict[str, Any]]:
    """Return up to 10 pairs with a picture of both: conflicting labels first, then leaks, then the most alike."""
    differ = whole.labels[pairs.first] != whole.labels[pairs.second]
    across = whole.splits[pairs.first] != whole.splits[pairs.second]
    order = np.lexsort((pairs.second, pairs.first, -pairs.correlation, ~across, ~differ))[:MOST_PICTURES]
    worst = pairs.chosen(order)
    pictures = [
        side_by_side(whole.images[first], whole.images[second])
        for first, second in zip(worst.first, worst.second, strict=True)
    ]
    return [entry | {"picture": picture} for entry, picture in zip(_entries(worst, whole), pictures, strict=True)]
