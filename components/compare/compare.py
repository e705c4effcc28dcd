"""Concludes: from the evaluations of all arms to a verdict, a ledger and a report."""

from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_limits

from components.compare.evaluations import load_evaluations
from components.compare.ledger import find_changes, write_ledger
from components.compare.report.report import write_report
from components.compare.summary import summary_markdown
from components.compare.verdict_file import build_verdict
from components.contracts.files import read_json, write_json, write_text
from components.contracts.imageset import read_imageset


@dataclass(frozen=True)
class CompareInputs:
    """Where the outputs of the other stages lie."""

    plan: str
    evaluations: list[str]
    development_set: str
    test_set: str
    synthetic_set: str
    data_report: str
    synthetic_report: str
    audit_report: str


def compare(inputs: CompareInputs, verdict_path: str, ledger_path: str, report_path: str, summary_path: str) -> None:
    """Write verdict.json, ledger.csv, report.html and summary.md; raises InputError where inputs don't fit together."""
    with threadpool_limits(1):  # the bootstrap's many small products run faster on one thread, and to the same bits
        _compare(inputs, verdict_path, ledger_path, report_path, summary_path)


def _compare(inputs: CompareInputs, verdict_path: str, ledger_path: str, report_path: str, summary_path: str) -> None:
    plan = read_json(inputs.plan)
    test, synthetic = read_imageset(inputs.test_set), read_imageset(inputs.synthetic_set)
    data_report = read_json(Path(inputs.data_report) / "data_report.json")
    audit = read_json(Path(inputs.audit_report) / "audit.json")
    copies = read_json(Path(inputs.synthetic_report) / "copies.json")
    gans = [read_json(path) for path in sorted(Path(inputs.synthetic_report).glob("gans/*/gan.json"))]
    evaluations = load_evaluations(inputs.evaluations, plan["arms"], test, plan["positive_class"])

    verdict = build_verdict(plan, evaluations, test, data_report, audit, copies, gans)
    write_json(verdict_path, verdict)
    changes = find_changes(evaluations, test, synthetic, plan["positive_class"])
    write_ledger(ledger_path, changes)
    write_report(
        report_path,
        verdict,
        changes,
        data_report,
        audit,
        inputs.synthetic_report,
        inputs.evaluations,
        test,
        synthetic,
        read_imageset(inputs.development_set),
    )
    write_text(summary_path, summary_markdown(verdict))
