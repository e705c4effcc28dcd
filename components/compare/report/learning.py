"""The learning curve of real data, with every synthetic arm where its score lies on it: its worth in real images."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from components.compare.report import text
from components.compare.statistics.exchange import FEWEST_POINTS
from components.compare.statistics.rule import Rule
from components.contracts.arms import parse_arm
from components.pictures.figures import INK, SERIES, Line, draw_lines, inline_svg, panels, series_style

_REACH = 3.0  # the chart ends at so many times the real images: what lies beyond is an arrow at its edge


def learning_section(verdict: dict[str, Any]) -> dict[str, Any]:
    """Return the chart (SVG, "" without a learning curve), the points of the curve and what each arm is worth.

    `points` are {"arm", "images", "score", "interval"}, from few images to all; `worths` {"arm", "score", "said",
    "interval"}, the latter two in words.
    """
    endpoint, classes = verdict["rule"]["endpoint"], len(verdict["data_set"]["classes"])
    points = [
        {
            "arm": arm["arm"],
            "images": arm["training_images"] / classes,
            "score": arm["mean"][endpoint],
            "interval": arm["intervals"][endpoint],
        }
        for arm in verdict["arms"]
        if _on_curve(arm["arm"])
    ]
    points.sort(key=lambda point: point["images"])
    if len({point["images"] for point in points}) < FEWEST_POINTS:
        return {"curve": "", "points": [], "worths": []}
    means = {arm["arm"]: arm["mean"][endpoint] for arm in verdict["arms"]}
    worths = [
        {
            "arm": worth["arm"],
            "score": means[worth["arm"]],
            "said": _amount(worth["estimate"], "can't be read off the curve"),
            "interval": _span(*worth["interval"]),
        }
        for worth in verdict["real_worth"]
    ]
    return {"curve": _chart(points, verdict["real_worth"], worths, verdict["rule"]), "points": points, "worths": worths}


def _on_curve(arm: str) -> bool:
    recipe = parse_arm(arm)
    return not (recipe.source or recipe.traditional or recipe.rare)


def _amount(images: float | None, without: str) -> str:
    if images is None:
        return without
    return f"{text.count(abs(images))} {'fewer' if round(images) < 0 else 'more'}"


def _span(low: float | None, high: float | None) -> str:
    ends = [_amount(low, "no lower bound"), _amount(high, "no upper bound")]
    if low is not None and high is not None and ends[0].rsplit(" ", 1)[1] == ends[1].rsplit(" ", 1)[1]:
        ends[0] = ends[0].rsplit(" ", 1)[0]
    return " to ".join(ends)


def _chart(
    points: list[dict[str, Any]], worth: list[dict[str, Any]], worths: list[dict[str, Any]], rule: dict[str, Any]
) -> str:
    figure, (axes,) = panels(440, 320 + 15 * (len(worth) // 2))
    images, scores = [point["images"] for point in points], [100 * point["score"] for point in points]
    low, high = ([100 * point["interval"][end] for point in points] for end in (0, 1))
    full = max(images)
    name = Rule.of(rule).endpoint_name
    edges = images[0] / 1.15, full * _REACH
    slope, level = np.polyfit(np.log(images), scores, 1)
    line = Line("", edges, [slope * np.log(x) + level for x in edges], INK, (0, (2, 3)), 0.9, 0.6)
    real = Line("real images alone", images, scores, SERIES[0], marker="o", band=(low, high))
    label = f"{name[0].upper()}{name[1:]}, %"
    draw_lines(axes, [line, real, *_arms(worth, worths, full, edges)], "real images a class", label)
    _whiskers(axes, worth, worths, full, edges)
    axes.axvline(full, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), alpha=0.6)
    axes.set_xscale("log")
    axes.set_xlim(*edges)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks([*images, 2 * full])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    said = "; ".join(f"{point['arm']}, {point['images']:,.0f} a class, {100 * point['score']:.1f}%" for point in points)
    arms = "; ".join(f"{one['arm']} {100 * one['score']:.1f}%, {one['said']} ({one['interval']})" for one in worths)
    description = f"Learning curve of real data, {name}: {said}." + (f" Worth in real images: {arms}." if arms else "")
    return inline_svg(figure, "learning", description)


def _arms(
    worth: list[dict[str, Any]], worths: list[dict[str, Any]], full: float, edges: tuple[float, float]
) -> list[Line]:
    """Return a marker an arm, where its score lies on the fitted line."""
    found = []
    for number, (one, said) in enumerate(zip(worth, worths, strict=True), start=1):
        colour, _ = series_style(number)
        x = full if one["estimate"] is None else float(np.clip(full + one["estimate"], *edges))
        found.append(Line(one["arm"], [x], [100 * said["score"]], colour, "", marker="D"))
    return found


def _whiskers(
    axes: Axes, worth: list[dict[str, Any]], worths: list[dict[str, Any]], full: float, edges: tuple[float, float]
) -> None:
    """Draw the interval of each arm's worth, with an arrow where it goes on beyond the chart."""
    for number, (one, said) in enumerate(zip(worth, worths, strict=True), start=1):
        colour, _ = series_style(number)
        y = 100 * said["score"]
        ends = [
            edge if end is None else float(np.clip(full + end, *edges))
            for end, edge in zip(one["interval"], edges, strict=True)
        ]
        axes.plot(ends, [y, y], color=colour, linewidth=1.4, solid_capstyle="butt")
        for end, edge, arrow in zip(ends, edges, "<>", strict=True):
            axes.plot(end, y, color=colour, marker=arrow if end == edge else "|", markersize=7, clip_on=False)
