"""Concludes: from the evaluations of all arms to a verdict, a ledger and a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from components.compare.evaluations import Evaluation, load_evaluations
from components.compare.ledger import Change, find_changes, write_ledger
from components.compare.pool import (
    pool_audits,
    pool_changes,
    pool_copies,
    pool_data_reports,
    pool_evaluations,
    pool_tests,
    stack_sets,
)
from components.compare.report.report import write_report
from components.compare.summary import summary_markdown
from components.compare.verdict_file import build_verdict
from components.contracts.files import read_json, write_json, write_text
from components.contracts.imageset import ImageSet, read_imageset


@dataclass(frozen=True)
class CompareInputs:
    """Where the outputs of the other stages lie."""

    plan: dict[str, Any]
    evaluations: list[str]
    development_set: str
    test_set: str
    external_set: str
    synthetic_set: str
    data_report: str
    synthetic_report: str
    audit_report: str


@dataclass(frozen=True)
class _Found:
    """What `CompareInputs` hold, read."""

    evaluations: list[Evaluation]
    test: ImageSet
    external: ImageSet
    synthetic: ImageSet
    data_report: dict[str, Any]
    audit: dict[str, Any]
    copies: dict[str, Any]
    gans: list[dict[str, Any]]
    fidelity: list[dict[str, Any]]
    changes: list[Change]


def compare(
    folds: Sequence[CompareInputs], verdict_path: str, ledger_path: str, report_path: str, summary_path: str
) -> None:
    """Write verdict.json, ledger.csv, report.html and summary.md; raises InputError where inputs don't fit together.

    `folds` are the inputs of one run, or of a run for each test fold, in order: then one verdict is about all of them,
    and the report shows the pictures and training curves of the first.
    """
    with threadpool_limits(1):  # the bootstrap's many small products run faster on one thread, and to the same bits
        plan = folds[0].plan
        found = [_read(inputs, plan) for inputs in folds]
        whole = found[0] if len(found) == 1 else _pool(found, plan["arms"])
        verdict = build_verdict(
            plan,
            whole.evaluations,
            whole.test,
            whole.external,
            whole.data_report,
            whole.audit,
            whole.copies,
            whole.gans,
            whole.fidelity,
        )
        write_json(verdict_path, verdict)
        write_ledger(ledger_path, whole.changes)
        write_report(
            report_path,
            verdict,
            whole.changes,
            whole.data_report,
            whole.audit,
            folds[0].synthetic_report,
            folds[0].evaluations,
            whole.test,
            whole.synthetic,
            read_imageset(folds[0].development_set),
        )
        write_text(summary_path, summary_markdown(verdict))


def _read(inputs: CompareInputs, plan: dict[str, Any]) -> _Found:
    test, synthetic = read_imageset(inputs.test_set), read_imageset(inputs.synthetic_set)
    external = read_imageset(inputs.external_set)
    evaluations = load_evaluations(inputs.evaluations, plan["arms"], test, external, plan["positive_class"])
    return _Found(
        evaluations,
        test,
        external,
        synthetic,
        data_report=read_json(Path(inputs.data_report) / "data_report.json"),
        audit=read_json(Path(inputs.audit_report) / "audit.json"),
        copies=read_json(Path(inputs.synthetic_report) / "copies.json"),
        gans=[read_json(path) for path in sorted(Path(inputs.synthetic_report).glob("gans/*/gan.json"))],
        fidelity=[
            entry
            for folder in inputs.evaluations
            for entry in read_json(Path(folder) / "evaluation.json")["label_fidelity"]
        ],
        changes=find_changes(evaluations, test, synthetic, plan["positive_class"]),
    )


def _pool(found: Sequence[_Found], arms: Sequence[str]) -> _Found:
    prefixes = [f"fold-{number + 1}/" for number in range(len(found))]
    return _Found(
        pool_evaluations([one.evaluations for one in found]),
        pool_tests([one.test for one in found]),
        found[0].external,
        stack_sets([one.synthetic for one in found], prefixes),
        pool_data_reports([one.data_report for one in found]),
        pool_audits([one.audit for one in found]),
        pool_copies([one.copies for one in found]),
        [gan for one in found for gan in one.gans],
        [entry for one in found for entry in one.fidelity],
        pool_changes([one.changes for one in found], prefixes, arms),
    )
