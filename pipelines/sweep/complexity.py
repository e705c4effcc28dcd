"""Complexity against benefit: what synthetic images bring to small classifiers and to large ones."""

from collections.abc import Sequence
from typing import Any

from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from components.compare.statistics.rule import SENSITIVITY, Rule
from components.pictures.figures import Line, draw_lines, inline_svg, panels, series_style


def classifiers(joined: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the classifiers of a sweep, by the number of weights that learn, each with its arms `real`."""
    found: dict[str, dict[str, Any]] = {}
    for arm in joined["arms"]:
        about = arm["classifier"]
        entry = found.setdefault(
            f"{about['name']} {about['sha256']} {about['trainable_weights']}", {**about, "reals": []}
        )
        if arm["arm"] == "real":
            entry["reals"].append(arm)
    return sorted(found.values(), key=lambda each: (each["trainable_weights"], each["name"]))


def complexity(joined: dict[str, Any]) -> list[str]:
    """Return drawings of each arm's benefit over the weights that learn, with intervals; none for one classifier.

    The benefit is the difference to the `real` of the same classifier, in the endpoint and in sensitivity at equal
    false alarms.
    """
    if len(classifiers(joined)) < 2:
        return []
    rule = Rule.of(joined["rule"])
    names = {rule.endpoint: rule.endpoint_name, SENSITIVITY: "sensitivity at equal false alarms"}
    return [_drawn(_lines(joined), metric, name) for metric, name in names.items()]


def _lines(joined: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the arms that differ in their classifier alone, by name and what else of the grid they are at."""
    values = {point["point"]: point["values"] for point in joined["points"]}
    lines: dict[str, list[dict[str, Any]]] = {}
    for arm in joined["arms"]:
        if arm["against_real"]:
            others = [f"{key}={value}" for key, value in values[arm["point"]].items() if key != "classifier"]
            lines.setdefault(", ".join([arm["arm"], *others]), []).append(arm)
    return {name: sorted(arms, key=lambda arm: arm["classifier"]["trainable_weights"]) for name, arms in lines.items()}


def _drawn(lines: dict[str, list[dict[str, Any]]], metric: str, name: str) -> str:
    drawn, said = [], []
    for number, (label, arms) in enumerate(lines.items()):
        colour, dash = series_style(number)
        weights = [arm["classifier"]["trainable_weights"] for arm in arms]
        differences = [arm["against_real"]["differences"][metric] for arm in arms]
        gains = [100 * difference["estimate"] for difference in differences]
        drawn.append(Line(label, weights, gains, colour, dash, marker="o", band=_band(differences)))
        each = zip(arms, weights, gains, strict=True)
        said.append(f"{label}: " + ", ".join(f"{arm['classifier']['name']} ({w:,}) {g:+.1f}" for arm, w, g in each))
    figure, (axes,) = panels(420, 260 + 16 * len(drawn))
    draw_lines(axes, drawn, "weights that learn", f"Difference in {name}, points", legend_columns=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 30k; others write formulas
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.axhline(0, color="gray", linewidth=0.8)
    description = f"Difference to real in {name}, in points, over the weights that learn, with intervals. "
    return inline_svg(figure, f"complexity-{metric.replace('_', '-')}", description + "; ".join(said) + ".")


def _band(differences: Sequence[dict[str, Any]]) -> tuple[list[float], list[float]]:
    low, high = ([100 * difference["interval"][end] for difference in differences] for end in (0, 1))
    return low, high
