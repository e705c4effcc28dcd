"""Figures for the reports of all stages: line charts as inline SVG, pictures as data URIs.

A chart takes its ink from the page around it (`currentColor` on a transparent ground), so that it is legible in
dark mode and in print, and its text is real text in the page's font. The same input gives the same bytes.
"""

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

INK = "#010203"  # stands for the page's text colour: becomes currentColor in the SVG
# Middle tones: each has at least 3:1 contrast on white and on the dark page, and they differ for the colour-blind.
SERIES = ("#2f7fc1", "#c9701e", "#1f9a7a", "#a868c0", "#c2527a", "#8c8424", "#5f8fa8", "#b05a4a", "#6f9a3a", "#7b7fd0")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (3, 1, 1, 1, 1, 1)))
MOST_POINTS = 800

# Names of classes are text: dollar signs and backslashes in them are no formula.
matplotlib.rcParams["text.parse_math"] = False

_STYLE: Any = {
    "text.parse_math": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "gansweep",
    "font.size": 10.5,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 10.5,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": INK,
    "grid.alpha": 0.12,
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "legend.handlelength": 1.8,
    "legend.columnspacing": 1.2,
    "legend.borderpad": 0,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True)
class Line:
    """One line of a chart: `x` and `y` of one length; `label` "" keeps it out of the legend.

    `band` is a pair (lower, upper) drawn as a light area behind the line.
    """

    label: str
    x: Sequence[float] | np.ndarray
    y: Sequence[float] | np.ndarray
    colour: str = SERIES[0]
    dash: str | tuple = "-"
    width: float = 1.7
    alpha: float = 1.0
    marker: str = ""
    band: tuple[Sequence[float], Sequence[float]] | None = None


def series_style(index: int) -> tuple[str, str | tuple]:
    """Return colour and dash of the series `index`: no two of the first 50 share both."""
    return SERIES[index % len(SERIES)], DASHES[index % len(DASHES)]


def panels(width: int, height: int, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Return an empty figure of `width` x `height` CSS pixels and its axes, one below the other."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(
            figsize=(width / 72, height / 72), dpi=72, layout=ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.03)
        )
        axes = figure.subplots(rows, 1, squeeze=False)[:, 0]
    return figure, list(axes)


def draw_lines(axes: Axes, lines: Sequence[Line], x_label: str, y_label: str, legend_columns: int = 2) -> None:
    """Draw `lines` into `axes`, thinned to at most `MOST_POINTS` points each, with a legend above them."""
    with matplotlib.rc_context(_STYLE):
        for line in lines:
            x, y = thin(np.asarray(line.x, dtype=float), np.asarray(line.y, dtype=float))
            if line.band:
                axes.fill_between(line.x, *line.band, color=line.colour, alpha=0.16, linewidth=0)
            axes.plot(
                x,
                y,
                label=line.label or "_",
                color=line.colour,
                linestyle=line.dash,
                linewidth=line.width,
                alpha=line.alpha,
                marker=line.marker or None,
                markersize=4.5,
            )
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        if any(line.label for line in lines):
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=legend_columns, borderaxespad=0)


def line_chart(
    key: str,
    description: str,
    lines: Sequence[Line],
    x_label: str,
    y_label: str,
    size: tuple[int, int] = (360, 250),
    y_limits: tuple[float | None, float | None] = (None, None),
) -> str:
    """Return a chart of `lines` as inline SVG; see `inline_svg` for `key` and `description`."""
    figure, (axes,) = panels(*size)
    draw_lines(axes, lines, x_label, y_label)
    axes.set_ylim(*y_limits)
    return inline_svg(figure, key, description)


def joined(curves: Sequence[tuple[Sequence[float], Sequence[float]]]) -> tuple[np.ndarray, np.ndarray]:
    """Return curves (x, y) as one line with gaps (NaN) between them: drawn in a fraction of the time of many lines."""
    with_gaps = [np.append(np.asarray(curve, dtype=float), [[np.nan]] * 2, axis=1) for curve in curves]
    x, y = np.concatenate(with_gaps, axis=1)[:, :-1]
    return x, y


def thin(x: np.ndarray, y: np.ndarray, most: int = MOST_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Return about `most` points of a curve: the lowest and highest of each stretch, so that peaks stay.

    Gaps (NaN) stay too, and between two of them at least one stretch.
    """
    if len(x) <= most:
        return x, y
    gaps = np.flatnonzero(np.isnan(y))
    pieces = [np.setdiff1d(piece, gaps) for piece in np.split(np.arange(len(x)), gaps)]
    stretches = [
        part for piece in pieces if len(piece) for part in np.array_split(piece, -(-len(piece) * most // 2 // len(x)))
    ]
    kept = {int(part[find(y[part])]) for part in stretches for find in (np.argmin, np.argmax)}
    chosen = sorted(kept | {0, len(x) - 1, *gaps.tolist()})
    return x[chosen], y[chosen]


def inline_svg(figure: Figure, key: str, description: str) -> str:
    """Return `figure` as an `<svg>` element to stand in a page.

    `key` (letters, digits, hyphens) is unique in the page and keeps this figure's ids apart from those of others.
    `description` says in words what is to be seen, for those who hear the page.
    """
    buffer = io.StringIO()
    with matplotlib.rc_context(_STYLE):
        no_metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(buffer, metadata=no_metadata)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    # The style element would speak to the whole page, the metadata to no one.
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = svg.replace(INK, "currentColor")
    svg = re.sub(r"font-family: [^;\"]*;?\s*|font: ([\d.]+px) [^;\"]*", _font_size, svg)
    svg = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\d\.\d\d)\d+", r"\1", tag[0]), svg)  # hundredths of a pixel do
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: f' id="{key}-{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r'(url\(|href=")#', lambda m: f"{m[1]}#{key}-", svg)
    width, height = (round(72 * inches) for inches in figure.get_size_inches())
    label = _attribute(description)
    opening = f'<svg role="img" aria-label="{label}" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    opening += ' xmlns:xlink="http://www.w3.org/1999/xlink">'
    svg = re.sub(r"<svg[^>]*>", lambda _: opening, svg, count=1)  # as it is: a name may hold what stands for a group
    return re.sub(r"\s*\n\s*", " ", svg).replace("> <", "><").strip()


def picture_uri(pixels: np.ndarray, largest_png: int = 64 * 1024) -> str:
    """Return a picture (uint8, H x W x 3) as a data URI: exact (PNG) up to `largest_png` bytes, beyond as JPEG."""
    picture = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.uint8))
    encoded = io.BytesIO()
    picture.save(encoded, "PNG", optimize=True)
    kind = "png"
    if encoded.tell() > largest_png:
        encoded, kind = io.BytesIO(), "jpeg"
        picture.save(encoded, "JPEG", quality=88, subsampling=0)
    return f"data:image/{kind};base64,{base64.b64encode(encoded.getvalue()).decode()}"


def montage(images: np.ndarray, columns: int) -> np.ndarray:
    """Return images (uint8, N x S x S x 3) side by side, `columns` in a row; what is left over stays mid-grey."""
    count, size = images.shape[:2]
    rows = -(-count // columns)
    sheet = np.full((rows * columns, size, size, 3), 128, dtype=np.uint8)
    sheet[:count] = images
    return sheet.reshape(rows, columns, size, size, 3).swapaxes(1, 2).reshape(rows * size, columns * size, 3)


def _font_size(match: re.Match[str]) -> str:
    return f"font-size: {match[1]}" if match[1] else ""


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
