"""The section of the report about the GANs: their losses and pictures, sheets and the closest pairs of each class."""

from pathlib import Path
from typing import Any

import numpy as np

from components.compare.report import charts
from components.compare.report.pictures import (
    Picture,
    embedded,
    noise_to_end,
    real_beside_synthetic,
    sources_side_by_side,
    synthetic_labels,
)
from components.contracts.errors import InputError
from components.contracts.files import read_json
from components.contracts.imageset import ImageSet

_CLOSEST = 10  # pairs of synthetic and real images a class


def gans_section(folder: Path, audit: dict[str, Any], synthetic: ImageSet, development: ImageSet) -> dict[str, Any]:
    """Return what the template shows of the GANs in `folder` (what `synthesize` wrote) and of all synthetic images.

    Raises InputError naming the file that is missing or broken.
    """
    gans = []
    for number, gan_folder in enumerate(sorted(folder.glob("gans/*"))):
        about = read_json(gan_folder / "gan.json")
        if about["replicate"] > 0:  # one GAN a class is shown; the table has them all
            continue
        moments = _array(gan_folder / "progress.npy")
        name, losses = about["class"], _losses(gan_folder / "losses.csv")
        gans.append(
            {
                "name": name,
                "curves": charts.gan_curves(f"gan-{number}", name, losses),
                "moments": noise_to_end(name, moments, about["progress_updates"], len(development.classes)),
            }
        )
    pairs = {
        name: [pair for of in audit["memorisation"] if of["class"] == name for pair in of["closest"]]
        for name in development.classes
    }
    closest = [
        (name, [_closest_pair(pair) for pair in sorted(of, key=lambda pair: pair["distance"])[:_CLOSEST]])
        for name, of in pairs.items()
        if of
    ]
    sheets = [
        (development.classes[label], *real_beside_synthetic(development, synthetic, label))
        for label in synthetic_labels(synthetic)
        if gans
    ]
    return {
        "gans": gans,
        "sheets": sheets,
        "closest": closest,
        "side_by_side": sources_side_by_side(development, synthetic),
    }


def _closest_pair(pair: dict[str, Any]) -> Picture:
    caption = f"distance {pair['distance']:.3f}, real: {pair['real_path']}"
    return embedded(pair["picture"], f"synthetic {pair['synthetic_path']} beside real {pair['real_path']}", caption)


def _array(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not an array ({error})") from None


def _losses(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open(encoding="utf-8") as file:
            names = file.readline().strip().split(",")
            columns = np.loadtxt(file, delimiter=",", ndmin=2).T
        return dict(zip(names, columns, strict=True))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a table of losses ({error})") from None
