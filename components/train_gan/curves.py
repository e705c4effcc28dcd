"""One page on the trainings of a pod: both losses (paper, fig. 4) and the pictures from noise to the end (fig. 5)."""

import html
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.contracts.errors import InputError
from components.contracts.files import read_json, write_text
from components.pictures.figures import SERIES, Line, line_chart, montage, picture_uri

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
svg {{ width: 100%; height: auto; }}
.moments {{ display: flex; flex-wrap: wrap; gap: 1rem; }}
figure {{ margin: 0; }}
figure img {{ width: 13rem; image-rendering: pixelated; }}
</style>
</head>
<body>
{trainings}
</body>
</html>
"""
_TRAINING = """<h1>{title}</h1>
<p>{summary}</p>
<h2>Losses of both networks</h2>
{losses}
<p>Binary cross entropies in nats. The discriminator's is the sum over real and synthetic images: 2 ln 2 = 1.39 where
it can't tell them apart.</p>
<h2>Pictures from a fixed latent, from noise to the end</h2>
<div class="moments">
{moments}
</div>"""
_NONE = "<p>No arm of this run needs a GAN: none was trained.</p>"


def write_curves(folders: Sequence[Path], page: str | Path) -> None:
    """Write the page of `curves_html` to the file `page`."""
    write_text(page, curves_html(folders))


def curves_html(folders: Sequence[Path]) -> str:
    """Return a self-contained HTML page on the trainings that lie in `folders`.

    Raises InputError naming the file that is missing or wrong.
    """
    title = f"GANs of {len(folders)} trainings" if len(folders) != 1 else _title(read_json(folders[0] / "gan.json"))
    return _PAGE.format(title=title, trainings="\n".join(map(_training, folders)) or _NONE)


def _title(about: dict[str, Any]) -> str:
    return html.escape(f"GAN of class {about['class']}, replicate {about['replicate']}")


def _training(folder: Path) -> str:
    about = read_json(folder / "gan.json")
    losses = _read(folder / "losses.csv", lambda path: np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2))
    pictures = _read(folder / "progress.npy", lambda path: np.load(path, allow_pickle=False))
    summary = (
        f"Seed {about['seed']}: {about['updates']} updates, {about['epochs']:g} passes over {about['images']} images "
        f"of {about['image_size']} x {about['image_size']}, {about['images_per_second']:.0f} images a second in "
        f"{about['precision']}. Mean losses of the last pass: discriminator "
        f"{about['final']['loss_d']:.3f}, generator {about['final']['loss_g']:.3f}."
    )
    lines = [
        Line("generator", losses[:, 0], losses[:, 2], SERIES[1], width=1.0),
        Line("discriminator", losses[:, 0], losses[:, 1], SERIES[0], width=1.0),
    ]
    chart = line_chart(
        f"losses-{folder.name}",
        "Losses of generator and discriminator over the updates",
        lines,
        "update",
        "loss (nats)",
        (720, 300),
    )
    moments = "\n".join(
        f'<figure><img alt="16 synthetic pictures after update {update}" src="{picture_uri(montage(drawn, 4))}">'
        f"<figcaption>update {update}</figcaption></figure>"
        for update, drawn in zip(about["progress_updates"], pictures, strict=True)
    )
    return _TRAINING.format(title=_title(about), summary=summary, losses=chart, moments=moments)


def _read(path: Path, read: Callable[[Path], np.ndarray]) -> np.ndarray:
    try:
        return read(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: missing or damaged ({error}); train the generator again") from None
