"""Writes the report: one HTML file that needs no network and no other file, and reads as well without its script."""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from components.compare.gate import cautions, counted_copies
from components.compare.ledger import Change
from components.compare.report import charts as report_figures
from components.compare.report import paper
from components.compare.report import tables as report_tables
from components.compare.report import text as report_text
from components.compare.report.checklist import checklist
from components.compare.report.classifier import size_of
from components.compare.report.gans_section import gans_section
from components.compare.report.learning import learning_section
from components.compare.report.ledger_section import ledger_section
from components.compare.report.pictures import embedded
from components.compare.statistics.rule import SENSITIVITY, Rule
from components.contracts.files import read_json, write_text
from components.contracts.imageset import ImageSet

METRICS = (
    ("accuracy", "Accuracy"),
    ("balanced_accuracy", "Balanced accuracy"),
    ("sensitivity", "Sensitivity"),
    ("specificity", "Specificity"),
    ("f1", "F1"),
    ("auc", "AUC"),
    ("average_precision", "Average precision"),
    ("brier", "Brier score"),
    ("sensitivity_at_specificity", "Sensitivity at fixed specificity"),
    (SENSITIVITY, "Sensitivity at equal false alarms"),
)
MORE_SCORES = (("f1", "F1"), ("macro_auc", "AUC, mean of all classes"), *METRICS[6:8])
_OPEN_ARMS = 3
# In a frame made from a string (Kubeflow's pages) "#section" means the page around it: scroll there by hand.
_SCRIPT = """
if (location.protocol === "about:") document.querySelectorAll("a[href^='#']").forEach(link => {
  link.addEventListener("click", event => {
    const target = document.getElementById(link.getAttribute("href").slice(1));
    target.tabIndex = -1;
    target.focus({preventScroll: true});
    target.scrollIntoView();
    event.preventDefault();
  });
});
"""


def write_report(
    path: str | Path,
    verdict: dict[str, Any],
    ledger: Sequence[Change],
    data_report: dict[str, Any],
    audit: dict[str, Any],
    synthetic_report: str | Path,
    evaluations: Sequence[str | Path],
    test: ImageSet,
    synthetic: ImageSet,
    development: ImageSet,
) -> None:
    """Write report.html to `path`, whole or not at all; the same inputs give the same bytes.

    `verdict` and `ledger` are the contents of verdict.json and ledger.csv, `data_report` is data_report.json,
    `audit` is audit.json, `synthetic_report` the folder that `synthesize` wrote, `evaluations` the folders of all
    arms (their training histories are shown). Raises InputError naming the file that is missing or broken.
    """
    environment = Environment(
        loader=PackageLoader("components.compare.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        {
            name: getattr(report_text, name)
            for name in (
                "percent",
                "number",
                "count",
                "points",
                "signed",
                "p_value",
                "interval",
                "threshold_range",
                "plural",
            )
        }
    )
    sections: dict[str, Any] = {
        "verdict": verdict,
        "cautions": cautions(verdict["sources"]),
        "counted_copies": counted_copies(verdict["sources"]),
        "data": verdict["data_set"],
        "data_report": data_report,
        "audit": audit,
        "metrics": METRICS,
        "css": files("components.compare.report").joinpath("report.css").read_text(encoding="utf-8"),
        "script": _SCRIPT,
        "script_digest": base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode(),
        "level": f"{100 * verdict['rule']['confidence']:g}%",
    }
    sections |= _verdict_section(verdict)
    sections["learning"] = learning_section(verdict)
    sections |= _reports_section(verdict)
    sections |= _curves_section(verdict, [read_json(Path(folder) / "evaluation.json") for folder in evaluations])
    sections |= gans_section(Path(synthetic_report), audit, synthetic, development)
    sections |= _data_section(data_report)
    others = [arm["arm"] for arm in sections["others"]]
    sections["ledger"] = ledger_section(ledger, others, test, synthetic, sections["replicates"])
    sections["digests"] = [
        ("Data set", verdict["data_set"]["digest"]),
        ("Test set", test.digest()),
        ("Development set", development.digest()),
        ("Code", verdict["code_digest"]),
    ]
    items = checklist(verdict, data_report)
    sections["guidelines"] = {
        guideline: [item for item in items if item.guideline == guideline]
        for guideline in dict.fromkeys(item.guideline for item in items)
    }
    sections["contents"] = _contents(sections)
    page = environment.get_template("report.html.j2").render(sections)
    write_text(path, "\n".join(line for line in page.splitlines() if line.strip()) + "\n")


def _verdict_section(verdict: dict[str, Any]) -> dict[str, Any]:
    arms, rule = verdict["arms"], verdict["rule"]
    others = [arm for arm in arms if arm["against_real"]]
    endpoint = rule["endpoint"]
    name = Rule.of(rule).endpoint_name
    forests = [
        report_figures.forest(metric, adjusted_as, title, others, rule["confidence"], margin)
        for metric, adjusted_as, title, margin in (
            (endpoint, "endpoint", name[0].upper() + name[1:], None),
            (SENSITIVITY, "sensitivity", "Sensitivity at equal false alarms", rule["sensitivity_margin"]),
        )
        if others
    ]
    doses = [
        report_figures.dose_response(verdict["dose_response"], metric, title)
        for metric, title in (("accuracy", "Accuracy"), ("sensitivity", "Sensitivity"))
        if verdict["dose_response"]
    ]
    positive = verdict["data_set"]["positive_class"]
    return {
        "arms": arms,
        "others": others,
        "endpoint_name": name,
        "forests": forests,
        "doses": doses,
        "more_scores": [(key, title) for key, title in MORE_SCORES if key in arms[0]["mean"]],
        "missed": report_text.counts([arm["missed"] for arm in arms]),
        "positives": verdict["data_set"]["counts"]["test"][positive],
        "replicates": len(arms[0]["replicates"]) // verdict["test_folds"],
    }


def _reports_section(verdict: dict[str, Any]) -> dict[str, Any]:
    classes, positive = verdict["data_set"]["classes"], verdict["data_set"]["positive_class"]
    order = report_tables.class_order(classes, positive)
    shown_paper = paper.is_papers_experiment(verdict)
    reports = []
    for number, arm in enumerate(verdict["arms"]):
        printed = paper.ARMS[arm["arm"]] if shown_paper else None
        reports.append(
            {
                "name": arm["arm"],
                "open": number < _OPEN_ARMS,
                "accuracy": arm["mean"]["accuracy"],
                "specificity": arm["mean"]["specificity"],
                "sensitivity": arm["mean"]["sensitivity"],
                "rows": report_tables.classification_rows(arm, order),
                "matrix": report_tables.matrix_rows(report_tables.matrix_of(arm, classes), order, positive),
                "paper": printed
                and {
                    "tables": printed.tables,
                    "accuracy": printed.accuracy,
                    "specificity": printed.specificity,
                    "sensitivity": printed.sensitivity,
                    "rows": report_tables.paper_rows(printed, order),
                    "matrix": report_tables.matrix_rows(printed.matrix, order, positive),
                },
            }
        )
    return {"arm_reports": reports, "order": order, "paper_note": paper.NOTE if shown_paper else ""}


def _curves_section(verdict: dict[str, Any], evaluations: list[dict[str, Any]]) -> dict[str, Any]:
    arms = verdict["arms"]
    replicates = {evaluation["arm"]: evaluation["replicates"] for evaluation in evaluations}
    return {
        "classifier": size_of(verdict["classifier"]),
        "roc": report_figures.roc(arms, verdict["data_set"]["positive_class"]),
        "calibrations": [(arm["arm"], report_figures.calibration(i, arm)) for i, arm in enumerate(arms)],
        "trainings": [
            (arm["arm"], report_figures.training_curves(i, arm["arm"], replicates[arm["arm"]]))
            for i, arm in enumerate(arms)
        ],
    }


def _data_section(data_report: dict[str, Any]) -> dict[str, Any]:
    leaks, groups = data_report["leaks"], data_report["groups"]
    count, plural = report_text.count, report_text.plural
    integrity = [
        ("Files listed", count(data_report["files"])),
        ("Refused", count(len(data_report["refused"]))),
        *((f"Converted: {reason}", count(files)) for reason, files in data_report["converted"].items()),
        ("Exact duplicates", plural(data_report["exact_duplicate_count"], "pair")),
        ("Near-duplicates", plural(data_report["near_duplicate_count"], "pair")),
        ("Conflicting labels", plural(data_report["conflicting_label_count"], "pair")),
        ("Groups by the table", f"{plural(groups['count'], 'group')}, {plural(groups['unlisted'], 'image')} unlisted")
        if groups["given"]
        else ("Groups by the table", "none given"),
        ("Test images that share a group with development", count(leaks["test_images"])),
        ("… known from the table", count(leaks["by_group_table"])),
        ("… known from near-duplicates", count(leaks["by_near_duplicate"])),
        (
            "Equal pixels under two labels",
            f"{count(data_report['conflicts']['images'])}, left out {count(data_report['conflicts']['dropped'])} "
            f"(policy: {data_report['conflicts']['policy']})",
        ),
        ("Development images left out", f"{count(leaks['dropped'])} (policy: {leaks['policy']})"),
    ]
    pairs = [
        embedded(
            pair["picture"],
            f"{pair['a']} beside {pair['b']}",
            f"correlation {pair['correlation']:.4f}{'' if pair['same_label'] else ', labels differ'}: "
            f"{pair['a']} | {pair['b']}",
        )
        for pair in data_report["worst_pairs"]
    ]
    return {
        "integrity": integrity,
        "worst_pairs": pairs,
        "external_pairs": {
            one["name"]: [
                embedded(
                    pair["picture"],
                    f"{pair['external']} beside {pair['own']}",
                    f"correlation {pair['correlation']:.4f}: {pair['external']} | {pair['own']}",
                )
                for pair in one["shared"]["pairs"]
            ]
            for one in data_report["external_test_sets"]
        },
        "understood": data_report["understood"],
        "warnings": data_report["warnings"],
    }


def _contents(sections: dict[str, Any]) -> list[tuple[str, str]]:
    wanted = (
        ("verdict", "Verdict", True),
        ("dose", "Dose-response", sections["doses"]),
        ("learning", "Learning curve", sections["learning"]["curve"]),
        ("reports", "Reports and matrices", True),
        ("curves", "ROC and calibration", True),
        ("training", "Classifier training", True),
        ("gans", "GANs", sections["gans"]),
        ("quality", "Quality and privacy", sections["audit"]["quality"]),
        ("external", "External test sets", sections["verdict"]["external_test_sets"]),
        ("subgroups", "By subgroup", sections["verdict"]["subgroups"]["columns"]),
        ("data", "Data integrity", True),
        ("ledger", "Misdiagnosis ledger", True),
        ("settings", "Settings", True),
        ("checklist", "Checklists", True),
    )
    return [(key, title) for key, title, there in wanted if there]
