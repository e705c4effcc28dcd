"""Drawn image sets of the report's example."""

import base64
import io
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from components.contracts.imageset import ImageSet, pixel_digest


def pictures(labels: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Return blobs on a skin tone (uint8, N x size x size x 3), larger and darker for a higher label."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size - 0.5
    images = np.empty((len(labels), size, size, 3), dtype=np.uint8)
    for i, label in enumerate(labels):
        a, b = rng.uniform(0.12, 0.2, 2) + 0.15 * label / (1 + labels.max())
        dx, dy = rng.uniform(-0.08, 0.08, 2)
        inside = 1 / (1 + np.exp(25 * (np.hypot((x - dx) / a, (y - dy) / b) - 1) * a))
        skin, lesion = np.array([222, 178, 152]), np.array([110 - 8 * label, 66, 52]) + rng.uniform(-25, 25, 3)
        image = skin + inside[..., None] * (lesion - skin) + rng.normal(0, 7, (size, size, 3))
        images[i] = np.clip(image, 0, 255)
    return images


def image_set(split: str, classes: tuple[str, ...], counts: list[int], size: int, seed: int, **more: Any) -> ImageSet:
    """Return an image set of `counts` images a class."""
    labels = np.repeat(np.arange(len(classes)), counts)
    images = pictures(labels, size, seed)
    synthetic = split == "synthetic"
    middle = "gan-0/" if synthetic else ""
    paths = [f"{classes[label]}/{middle}{i:06d}" + ("" if synthetic else ".jpg") for i, label in enumerate(labels)]
    return ImageSet(
        classes=classes,
        images=images,
        paths=np.array(paths, dtype=np.str_),
        labels=labels.astype(np.int64),
        splits=np.full(len(labels), split),
        folds=np.arange(len(labels)) % 5 if split == "development" else np.full(len(labels), -1),
        groups=np.array(["gan-0" if synthetic else f"{split}-{i}" for i in range(len(labels))], dtype=np.str_),
        sha256=np.array([pixel_digest(image) for image in images], dtype=np.str_),
        subgroups={"sex": np.array(["female", "male", ""])[np.arange(len(labels)) % 3]} if split == "test" else {},
        **more,
    )


def external_set(classes: tuple[str, ...], per_class: int, size: int, **more: Any) -> ImageSet:
    """Return two external test sets as one image set, empty for `per_class` 0."""
    both = classes[:2] if len(classes) > 2 else classes
    parts = [
        image_set(name, classes, [per_class] * len(of) + [0] * (len(classes) - len(of)), size, seed, **more)
        for name, of, seed in (("hospital_b", classes, 4), ("archive", both, 5))
    ]
    columns = ("images", "paths", "labels", "splits", "folds", "groups", "sha256")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    return replace(parts[0], **joined, subgroups={})


def external_reports(external: ImageSet) -> list[dict[str, Any]]:
    """Return what `prepare` says of each external test set."""
    return [
        {
            "name": name,
            "data_set": f"{name} of 2019",
            "notice": "Drawn as well." if name == "archive" else "",
            "digest": "e7" * 32,
            "counts": images.counts(),
            "lacking": [label for label, count in images.counts().items() if not count],
            "files": len(images) + 8,
            "refused": [{"path": "a.jpg", "reason": "truncated"}],
            "groups": len(set(images.groups.tolist())),
            "shared": {
                "images": 7,
                "like_development": 4,
                "like_test": 2,
                "dropped": 7,
                "policy": "drop",
                "pairs": [
                    {"external": "x/1.jpg", "own": "y/2.jpg", "correlation": 0.995}
                    | {"picture": png(np.concatenate([images.images[0], images.images[1]], axis=1))}
                ],
            },
            "conflicts": {"images": 0, "dropped": 0, "policy": "drop"},
            "understood": [f"external test set {name}: {len(images)} files"],
            "warnings": ["7 images in groups that the data set has too"],
        }
        for name, images in external.by_split().items()
    ]


def png(pixels: np.ndarray) -> str:
    """Return a picture as base64 PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
