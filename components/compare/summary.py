"""The run in a few lines of Markdown and in plain numbers, for the pipeline's page in Kubeflow."""

import math
import re
from typing import Any

from components.compare.gate import cautions
from components.compare.report.text import interval, number, percent

_SHOWN = (
    ("Accuracy", "accuracy", percent),
    ("Balanced accuracy", "balanced_accuracy", percent),
    ("Sensitivity", "sensitivity", percent),
    ("Specificity", "specificity", percent),
    ("AUC", "auc", number),
)


def summary_markdown(verdict: dict[str, Any]) -> str:
    """Return the answer and the table of arms, with intervals, as Markdown."""
    data, rule = verdict["data_set"], verdict["rule"]
    lines = [f"# Does synthetic data help? {_escape(data['name'])}", ""]
    if verdict["notice"]:
        lines += [f"> **Note:** {_escape(verdict['notice'])}", ""]
    for text in cautions(verdict["sources"]):
        lines += [f"> {_escape(text)}", ""]
    lines += [f"**{_escape(verdict['answer'])}**", ""]
    for there in verdict["external_test_sets"]:
        lines += [_escape(there["answer"]), ""]
    lines += ["| Arm | " + " | ".join(title for title, _, _ in _SHOWN) + " | Verdict |"]
    lines += ["| :-- |" + " --: |" * len(_SHOWN) + " :-- |"]
    for arm in verdict["arms"]:
        cells = [f"{write(arm['mean'][key])} ({interval(arm['intervals'][key], write)})" for _, key, write in _SHOWN]
        said = arm["against_real"]["verdict"] if arm["against_real"] else "reference"
        name = arm["arm"] + (" (recommended)" if arm["arm"] == verdict["recommendation"]["arm"] else "")
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {said} |")
    test = sum(data["counts"]["test"].values())
    lines += [
        "",
        f"Means over the replicates on {test} test images, with {100 * rule['confidence']:g}% intervals; sensitivity "
        f"is the recall of {_escape(data['positive_class'])}. The report holds everything else.",
        "",
    ]
    return "\n".join(lines)


def summary_metrics(verdict: dict[str, Any]) -> dict[str, float]:
    """Return the mean scores of every arm, named such as `gan_50pct.accuracy`; one that isn't finite is left out.

    One set for the whole run, so that runs stand beside each other in Kubeflow, arms by name and in one order.
    """
    found = {f"{_key(arm['arm'])}.{metric}": arm["mean"][metric] for arm in verdict["arms"] for _, metric, _ in _SHOWN}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _key(arm: str) -> str:
    """Write an arm with letters, digits and underscores alone; no two arms of a run get one key."""
    return re.sub(r"[^a-zA-Z0-9]+", "_", arm.replace("%", "pct"))


def _escape(text: str) -> str:
    for mark in "\\|*_`<[":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
