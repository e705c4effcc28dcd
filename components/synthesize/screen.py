"""Keeps near-copies of test images out of the synthetic set, or lets them in, as `on_leak` says, and counts them."""

from collections import Counter
from typing import Any

import numpy as np

from components.contracts.errors import InputError
from components.contracts.imageset import ImageSet
from components.contracts.progress import warn
from components.data_set.words import count, shown
from components.pictures.similarity import side_by_side
from components.synthesize.copies import CopySearch

ABOUT = (
    "A near-copy of a test image is far nearer to it than images are that lie thereabouts, whole or cropped by up to a "
    "tenth, in the best of 8 orientations (thumbnails of 8 x 8 pixels; relative distance, 1 is usual). The limit is "
    "what 1% of real development images have to one another, at most 0.3."
)
MOST_SHOWN = 10  # pairs a generator and class


class Screen:
    """Looks every picture over before it enters the synthetic set.

    `policy` is `on_leak`: "drop" leaves near-copies out, "keep" takes them, "fail" refuses the run. `external` names an
    external test set, "" is the data set's own.
    """

    def __init__(self, test: ImageSet, development: ImageSet, policy: str, seed: int, external: str = "") -> None:
        self._search = CopySearch(test, development, seed)
        self._test, self._policy = test, policy
        self._of = f" of the external test set {external}" if external else ""
        self._found: dict[tuple[str, str], dict[str, Any]] = {}

    def look_over(self, images: np.ndarray, paths: list[str], name: str, generator: str) -> np.ndarray:
        """Return which pictures (uint8 [n, S, S, 3]) of a class `name` may enter, bool [n]; `paths` names them.

        Raises InputError if one is a near-copy and the policy is "fail".
        """
        copies = self._search.find(images)
        about = self._found.setdefault(
            (generator, name),
            {"source": generator.rpartition("-")[0], "generator": generator, "class": name}
            | {"images": 0, "copies": 0, "left_out": 0, "pairs": []},
        )
        rows = np.flatnonzero(copies.flagged)
        about["images"] += len(images)
        about["copies"] += len(rows)
        about["left_out"] += len(rows) if self._policy == "drop" else 0
        for row in rows:
            match = copies.matches[row]
            pair = {"synthetic_path": paths[row], "test_path": str(self._test.paths[match])}
            if self._policy == "fail":
                raise InputError(
                    f"on_leak: {generator}: {shown(paths[row])} ({shown(name)}) is a near-copy of the test image "
                    f"{shown(pair['test_path'])}{self._of}; make pictures without it, or set on_leak to drop"
                )
            if len(about["pairs"]) < MOST_SHOWN:
                picture = side_by_side(images[row], self._test.images[match])
                about["pairs"].append(pair | {"distance": float(copies.distances[row]), "picture": picture})
        return ~copies.flagged if self._policy == "drop" else np.ones(len(images), bool)

    def report(self) -> dict[str, Any]:
        """Return the content of copies.json; says every generator that copies in a warning."""
        found = list(self._found.values())
        for about in found:
            if about["copies"]:
                done = "left out" if self._policy == "drop" else "kept, so its arms can't be judged"
                warn(
                    "synthesize",
                    "-",
                    f"{about['generator']}: {about['copies']:,} of {count(about['images'], 'picture')} of "
                    f"{shown(about['class'])} are near-copies of test images{self._of}: {done} "
                    f"(on_leak: {self._policy})",
                )
        return {
            "rule": ABOUT,
            "policy": self._policy,
            "threshold": self._search.threshold,
            "real_images": self._search.real_images,
            "real_flagged": self._search.real_flagged,
            "generators": found,
        }


class Screens:
    """One screen for the test set and one for each external one: a picture must pass all of them."""

    def __init__(self, test: ImageSet, external: ImageSet, development: ImageSet, policy: str, seed: int) -> None:
        self._own = Screen(test, development, policy, seed)
        self._external = {
            name: Screen(images, development, policy, seed, name) for name, images in external.by_split().items()
        }
        self._kept_out: Counter[tuple[str, str]] = Counter()

    def look_over(self, images: np.ndarray, paths: list[str], name: str, generator: str) -> np.ndarray:
        """Return which pictures of a class may enter, as `Screen.look_over` does."""
        screens = [self._own, *self._external.values()]
        passed = np.all([screen.look_over(images, paths, name, generator) for screen in screens], axis=0)
        self._kept_out[name, generator] += int(np.sum(~passed))
        return passed

    def kept_out(self, name: str, generator: str) -> int:
        """Return how many pictures of a class were left out so far."""
        return self._kept_out[name, generator]

    def report(self) -> dict[str, Any]:
        """Return the content of copies.json; under `external` the same of each external test set, by its name."""
        return self._own.report() | {"external": {name: screen.report() for name, screen in self._external.items()}}
