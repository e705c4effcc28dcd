"""The report's charts, each an inline SVG made from verdict.json, the evaluations' histories or the GANs' losses."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from components.pictures.figures import (
    INK,
    SERIES,
    Line,
    draw_lines,
    inline_svg,
    joined,
    line_chart,
    panels,
    series_style,
)

VERDICT_COLOURS = {"helps": SERIES[2], "hurts": "#cf4a3c", "no evidence": INK, "no verdict": INK}
VERDICT_MARKERS = {"helps": "^", "hurts": "v", "no evidence": "o", "no verdict": "x"}


def forest(
    metric: str, adjusted_as: str, title: str, arms: list[dict[str, Any]], confidence: float, margin: float | None
) -> str:
    """Return the differences of `metric` to `real`, an arm a row, with plain and adjusted intervals.

    `adjusted_as` is the key of its adjusted interval.
    `arms` are verdict.json's without `real`. `margin` (0..1) marks how much lower the value may be.
    """
    figure, (axes,) = panels(370, 56 + 40 * len(arms))
    said = []
    for row, arm in enumerate(arms):
        y = -row
        against = arm["against_real"]
        difference = against["differences"][metric]
        estimate = 100 * difference["estimate"]
        low, high = (100 * end for end in difference["interval"])
        adjusted = [100 * end for end in against["adjusted"][adjusted_as]]
        colour, marker = VERDICT_COLOURS[against["verdict"]], VERDICT_MARKERS[against["verdict"]]
        axes.plot(adjusted, [y, y], color=colour, linewidth=1.1, marker="|", markersize=7)
        axes.plot([low, high], [y, y], color=colour, linewidth=4.5, alpha=0.55, solid_capstyle="butt")
        axes.plot(estimate, y, color=colour, marker=marker, markersize=7, linestyle="")
        axes.annotate(
            f"{signed(estimate)}\n{signed(low)} to {signed(high)}",
            (1.03, y),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9.5,
            linespacing=1.35,
            color=INK,
        )
        numbers = f"{signed(estimate)} ({signed(low)} to {signed(high)})"
        said.append(f"{arm['arm']} {numbers}, adjusted {signed(adjusted[0])} to {signed(adjusted[1])}")
    axes.axvline(0, color=INK, linewidth=1)
    if margin:
        axes.axvline(-100 * margin, color=INK, linewidth=1, linestyle=(0, (4, 3)), alpha=0.7)
    axes.set_yticks([-row for row in range(len(arms))], [arm["arm"] for arm in arms])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-len(arms) + 0.4, 0.6)
    left, right = axes.get_xlim()
    reach = max(1.0, abs(left), abs(right)) * 1.12
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel(f"{title}: points against real")
    level = f"{100 * confidence:g}%"
    return inline_svg(
        figure,
        f"forest-{metric.replace('_', '-')}",
        f"{title}, difference to real in percentage points with {level} interval: {'; '.join(said)}.",
    )


def dose_response(points: list[dict[str, Any]], metric: str, title: str) -> str:
    """Return a metric over the number of synthetic images a class, with its band of intervals."""
    ordered = sorted(points, key=lambda point: point["synthetic_images"])
    dose = [point["synthetic_images"] for point in ordered]
    value = [100 * point[metric] for point in ordered]
    low, high = ([100 * point[f"{metric}_interval"][end] for point in ordered] for end in (0, 1))
    colour = SERIES[0] if metric == "accuracy" else SERIES[1]
    said = "; ".join(f"{d:g} images {v:.1f}%" for d, v in zip(dose, value, strict=True))
    line = Line("", dose, value, colour, marker="o", band=(low, high))
    description = f"{title} over the number of synthetic images a class: {said}."
    x_label = "synthetic images a class"
    return line_chart(f"dose-{metric}", description, [line], x_label, f"{title}, %", (360, 240))


def roc(arms: list[dict[str, Any]], positive: str) -> str:
    """Return the ROC curves of all arms (positive class against the rest) in one square."""
    lines = [Line("", [0, 1], [0, 1], INK, (0, (2, 3)), 0.9, 0.6)]
    for i, arm in enumerate(arms):
        curve, (colour, dash) = arm["roc"], series_style(i)
        label = f"{arm['arm']} ({arm['mean']['auc']:.3f})"
        lines.append(Line(label, curve["false_positive_rate"], curve["true_positive_rate"], colour, dash))
    figure, (axes,) = panels(370, 350 + 15 * (len(arms) // 2))
    draw_lines(axes, lines, "1 − specificity", f"sensitivity ({positive})")
    axes.set_aspect("equal")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    areas = "; ".join(f"{arm['arm']} {arm['mean']['auc']:.3f}" for arm in arms)
    return inline_svg(figure, "roc", f"ROC curves, {positive} against the rest; areas under the curve: {areas}.")


def calibration(number: int, arm: dict[str, Any]) -> str:
    """Return an arm's calibration curve: observed share of the positive class over the predicted probability."""
    figure, (axes,) = panels(260, 250)
    draw_lines(axes, [Line("", [0, 1], [0, 1], INK, (0, (2, 3)), 0.9, 0.6)], "predicted probability", "observed share")
    bins = [b for b in arm["calibration"]["bins"] if b["count"]]
    colour, _ = series_style(number)
    axes.plot(*joined([([b["predicted"]] * 2, b["interval"]) for b in bins]), color=colour, linewidth=1.1, alpha=0.7)
    x, y = [b["predicted"] for b in bins], [b["observed"] for b in bins]
    axes.plot(x, y, color=colour, linewidth=1.5, marker="o", markersize=4)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_aspect("equal")
    said = "; ".join(f"{b['predicted']:.2f} predicted, {b['observed']:.2f} observed, {b['count']} images" for b in bins)
    return inline_svg(figure, f"calibration-{number}", f"Calibration of {arm['arm']}: {said}.")


def training_curves(number: int, arm: str, replicates: list[dict[str, Any]]) -> str:
    """Return loss and accuracy of an arm's classifiers over the epochs, training and validation, all replicates."""
    figure, axes = panels(340, 330, rows=2)
    for place, key in zip(axes, ("loss", "accuracy"), strict=True):
        lines = []
        for prefix, label, colour, dash in (("", "training", SERIES[0], "-"), ("val_", "validation", SERIES[1], "-")):
            histories = [replicate["history"].get(prefix + key, []) for replicate in replicates]
            curves = joined([(range(1, len(values) + 1), values) for values in histories])
            lines.append(Line(label if key == "loss" else "", *curves, colour, dash, 1.1, 0.75))
        draw_lines(place, lines, "epoch" if key == "accuracy" else "", key)
    last = [replicate["epochs_run"] for replicate in replicates]
    return inline_svg(
        figure,
        f"training-{number}",
        f"Training of {arm}: loss and accuracy over the epochs, training and validation, {len(replicates)} replicates, "
        f"{min(last)} to {max(last)} epochs.",
    )


def gan_curves(key: str, name: str, losses: dict[str, np.ndarray]) -> str:
    """Return the losses of both networks over the updates (the paper's figure 4) and the discriminator's scores.

    `losses` are the columns of losses.csv, all of one length: update, loss_d, loss_g, score_real, score_fake.
    """
    figure, axes = panels(370, 340, rows=2)
    pairs = (
        (("loss_g", "generator", SERIES[0]), ("loss_d", "discriminator", SERIES[1])),
        (("score_real", "D(real)", SERIES[3]), ("score_fake", "D(synthetic)", SERIES[2])),
    )
    for place, pair, label in zip(axes, pairs, ("loss", "mean score"), strict=True):
        lines = []
        for column, title, colour in pair:
            raw = losses[column]
            lines.append(Line("", losses["update"], raw, colour, width=0.6, alpha=0.3))
            lines.append(Line(title, losses["update"], running_mean(raw), colour, width=1.5))
        draw_lines(place, lines, "update" if label == "mean score" else "", label)
    axes[1].set_ylim(-0.02, 1.02)
    first, last = ({c: losses[c][i] for c in ("loss_g", "loss_d")} for i in (0, -1))
    return inline_svg(
        figure,
        key,
        f"GAN of {name} over {len(losses['update'])} updates: loss of the generator from {first['loss_g']:.2f} to "
        f"{last['loss_g']:.2f}, of the discriminator from {first['loss_d']:.2f} to {last['loss_d']:.2f}.",
    )


def running_mean(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the mean over a window of a fortieth of the series around each value, narrower at the ends."""
    half = len(values) // 80
    sums = np.concatenate([[0.0], np.cumsum(values)])
    start = np.maximum(np.arange(len(values)) - half, 0)
    end = np.minimum(np.arange(len(values)) + half + 1, len(values))
    return (sums[end] - sums[start]) / (end - start)


def signed(value: float) -> str:
    """Return a number with its sign and one decimal, with a real minus."""
    return f"{value:+.1f}".replace("-", "−")
