"""The results of a sweep for people and programs: sweep.html, sweep.csv, sweep.json and the table on the terminal."""

import csv
import io
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich import box
from rich.console import Console
from rich.table import Table

from components.compare.report import text as report_text
from components.compare.statistics.rule import Rule
from components.contracts.arms import parse_arm
from components.contracts.files import write_json, write_text
from components.contracts.plain_text import spreadsheet_cell
from components.pictures.figures import Line, draw_lines, inline_svg, panels, series_style
from pipelines.sweep.complexity import classifiers, complexity
from pipelines.sweep.rows import METRICS

TITLES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "auc": "AUC",
    "sensitivity_at_specificity": "Sensitivity at fixed specificity",
    "sensitivity_at_operating_point": "Sensitivity at equal false alarms",
}
PLOTTED = ("accuracy", "sensitivity")
NARROW = 90


def write_results(folder: Path, joined: dict[str, Any], links: dict[str, str]) -> None:
    """Write sweep.json, sweep.csv and sweep.html; `links` are the addresses of the runs' reports by their names."""
    write_json(folder / "sweep.json", joined)
    write_text(folder / "sweep.csv", table_csv(joined))
    environment = Environment(
        loader=PackageLoader("pipelines.sweep", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("page.html.j2").render(
        sweep=joined,
        css=files("components.compare.report").joinpath("report.css").read_text(encoding="utf-8"),
        titles=TITLES,
        endpoint_name=Rule.of(joined["rule"]).endpoint_name,
        plots={
            title: [dose_response(lines, kind, metric) for metric in PLOTTED]
            for kind, title, start in _kinds(joined["arms"])
            if (lines := _lines(joined["arms"], kind, start))
        },
        complexity=complexity(joined),
        classifiers=classifiers(joined),
        links=links,
        text=report_text,
        notes=notes(joined),
    )
    write_text(folder / "sweep.html", "\n".join(line for line in page.splitlines() if line.strip()) + "\n")


def table_csv(joined: dict[str, Any]) -> str:
    """Return one row an arm and point: shares in 0..1, `_low` and `_high` the ends of intervals."""
    out = io.StringIO()
    ends = ("", "_low", "_high")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["point", "arm", "run", "synthetic_images", "training_images", "replicates", "weights", "trainable_weights"]
        + [name + end for name in METRICS for end in ends]
        + [f"difference_{name}{end}" for name in METRICS for end in ends]
        + [f"adjusted_{name}{end}" for name in ("endpoint", "sensitivity") for end in ends[1:]]
        + ["p_value", "p_holm", "verdict"]
    )
    for arm in joined["arms"]:
        row = [spreadsheet_cell(arm[key]) for key in ("point", "arm", "run")]
        row += [arm[key] for key in ("synthetic_images", "training_images", "replicates")]
        row += [arm["classifier"][key] for key in ("weights", "trainable_weights")]
        for name in METRICS:
            row += [arm["mean"][name], *arm["intervals"][name]]
        against = arm["against_real"]
        if against:
            for name in METRICS:
                row += [against["differences"][name]["estimate"], *against["differences"][name]["interval"]]
            row += [*against["adjusted"]["endpoint"], *against["adjusted"]["sensitivity"]]
            row += [against["p_value"], against["p_holm"], against["verdict"]]
        else:
            row += [""] * (3 * len(METRICS) + 6) + ["reference"]
        writer.writerow(row)
    return out.getvalue()


def dose_response(lines: dict[str, list[dict[str, Any]]], kind: str, metric: str) -> str:
    """Return a score over the synthetic images a class, with its intervals as bands, one line a point of the grid.

    `lines` maps the points to the arms of one kind, by doses.
    """
    drawn, said = [], []
    for number, (point, arms) in enumerate(lines.items()):
        colour, dash = series_style(number)
        x = [arm["synthetic_images"] for arm in arms]
        y = [100 * arm["mean"][metric] for arm in arms]
        low, high = ([100 * arm["intervals"][metric][end] for arm in arms] for end in (0, 1))
        drawn.append(Line(point, x, y, colour, dash, marker="o", band=(low, high)))
        said.append(f"{point}: " + ", ".join(f"{dose:g} images {value:.1f}%" for dose, value in zip(x, y, strict=True)))
    figure, (axes,) = panels(420, 260 + 16 * len([line for line in drawn if line.label]))
    draw_lines(axes, drawn, "synthetic images a class", f"{TITLES[metric]}, %", legend_columns=1)
    description = f"{TITLES[metric]} over the number of synthetic images a class, with intervals. {'; '.join(said)}."
    return inline_svg(figure, f"dose-{kind.replace('+', '-')}-{metric}", description)


def _kinds(arms: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Return the kinds of arms with doses: prefix of the name, what they are, and the arm that their line begins at."""
    sources = dict.fromkeys(parse_arm(arm["arm"]).source for arm in arms)
    return [
        (prefix + source, title.format(source), start)
        for source in sources
        if source
        for prefix, title, start in (
            ("", "Images of {} beside the real ones", "real"),
            ("traditional+", "Images of {} beside the real ones, with traditional augmentation", "traditional"),
            ("only-", "Images of {} alone", ""),
        )
    ]


def _lines(arms: list[dict[str, Any]], kind: str, start_at: str) -> dict[str, list[dict[str, Any]]]:
    """Return the arms of one kind at each point, by doses, with the arm that their line begins at."""
    lines = {}
    for point in dict.fromkeys(arm["point"] for arm in arms):
        own = [arm for arm in arms if arm["point"] == point]
        doses = [arm for arm in own if ":" in arm["arm"] and arm["arm"].partition(":")[0] == kind]
        start = [arm for arm in own if arm["arm"] == start_at]
        if doses and len(start + doses) > 1:
            lines[point] = sorted(start + doses, key=lambda arm: arm["synthetic_images"])
    return lines


def print_results(joined: dict[str, Any], console: Console) -> None:
    """Print the answer and one row an arm, a table a point, in percent."""
    confidence = f"{100 * joined['rule']['confidence']:g}%"
    if joined["notice"]:
        console.print(joined["notice"], style="yellow", highlight=False)
    for point in joined["points"]:
        console.print(_table(joined, point["point"], console.width >= NARROW))
    console.print(
        f"Means over the replicates, in percent. Difference: of {Rule.of(joined['rule']).endpoint_name} to real, "
        "in percentage points" + (f", with {confidence} interval." if console.width >= NARROW else "."),
        style="dim",
        highlight=False,
    )
    for note in notes(joined):
        console.print(note, style="yellow", highlight=False)
    console.print(joined["answer"], highlight=False)
    for there in joined["external_test_sets"]:
        console.print(there["answer"], highlight=False)


def _table(joined: dict[str, Any], point: str, wide: bool) -> Table:
    table = Table(
        title=point or joined["name"],
        title_justify="left",
        box=box.HEAVY_HEAD if wide else box.SIMPLE,
        pad_edge=False,
    )
    table.add_column("Arm", overflow="fold", min_width=max(len(arm["arm"]) for arm in joined["arms"]) if wide else 6)
    metrics = ("accuracy", "balanced_accuracy", "sensitivity") if wide else PLOTTED
    for metric in metrics:
        table.add_column("Balanced" if metric == "balanced_accuracy" else TITLES[metric], justify="right", no_wrap=True)
    table.add_column(
        "Difference", justify="right", no_wrap=True, min_width=len("+10.0 (+10.0 to +10.0)") if wide else 5
    )
    table.add_column("Verdict", min_width=len("no evidence") if wide else len("evidence") + 1)
    for arm in joined["arms"]:
        if arm["point"] == point:
            against = arm["against_real"]
            change = _change(against["differences"][joined["rule"]["endpoint"]], wide) if against else "-"
            cells = [f"{100 * arm['mean'][metric]:.1f}" for metric in metrics]
            table.add_row(arm["arm"], *cells, change, against["verdict"] if against else "-")
    return table


def _change(difference: dict[str, Any], wide: bool) -> str:
    low, high = (f"{100 * end:+.1f}" for end in difference["interval"])
    return f"{100 * difference['estimate']:+.1f}" + (f" ({low} to {high})" if wide else "")


def notes(joined: dict[str, Any]) -> list[str]:
    """Return what a reader must know: of the sources, and of points whose runs did not train the same `real`."""
    return joined["cautions"] + [
        f"{point['point'] or 'The runs'}: real came out differently in its runs, by up to "
        f"{100 * point['real_differs_by']:.1f} points in a mean score, as it does on different kinds of machines or on "
        "GPUs; each arm is compared with the real of its own run."
        for point in joined["points"]
        if not point["real_identical"]
    ]
