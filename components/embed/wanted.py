"""What a run looks at: which rows of its image sets need features, and in how many views."""

import numpy as np

from components.contracts.arms import Arm
from components.contracts.features import VIEWS, measured_rows
from components.contracts.imageset import ImageSet

TESTED_ON = ("test", "external")


def wanted(
    imagesets: dict[str, ImageSet], arms: list[Arm], classifier: str, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Return the rows (int64, rising) and the number of views (1 or 8) to embed, by the name of the image set.

    A classifier that learns from features needs all images, and the flips and turns of those a traditional arm
    learns from; without one, the audit alone looks at features, of a sample and of no test image, and without
    synthetic images at none.
    """
    if classifier != "pretrained" and not len(imagesets["synthetic"]):
        return dict.fromkeys(imagesets, np.empty(0, np.int64)), dict.fromkeys(imagesets, 1)
    if classifier != "pretrained":
        rows = {name: measured_rows(imageset, seed) for name, imageset in imagesets.items() if name not in TESTED_ON}
        return rows | dict.fromkeys(TESTED_ON, np.empty(0, np.int64)), dict.fromkeys(imagesets, 1)
    turned = [arm for arm in arms if arm.traditional]
    views = {
        "development": VIEWS if any(arm.uses_real for arm in turned) else 1,
        **dict.fromkeys(TESTED_ON, 1),
        "synthetic": VIEWS if any(arm.uses_synthetic for arm in turned) else 1,
    }
    return {name: np.arange(len(imageset)) for name, imageset in imagesets.items()}, views
