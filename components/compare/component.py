"""The stage `compare` as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="gansweep-data", packages_to_install=[], install_kfp_package=False)
def compare(
    evaluations: dsl.Input[list[dsl.Artifact]],
    development_set: dsl.Input[dsl.Dataset],
    test_set: dsl.Input[dsl.Dataset],
    external_set: dsl.Input[dsl.Dataset],
    synthetic_set: dsl.Input[dsl.Dataset],
    data_report: dsl.Input[dsl.Artifact],
    synthetic_report: dsl.Input[dsl.Artifact],
    audit_report: dsl.Input[dsl.Artifact],
    verdict: dsl.Output[dsl.Artifact],
    ledger: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    summary: dsl.Output[dsl.Markdown],
    metrics: dsl.Output[dsl.Metrics],
    plan_json: str,
) -> None:
    """Compare every arm with `real` and conclude, with uncertainty.

    Gives verdict.json, the ledger of changed diagnoses (CSV), the report (HTML), a summary (Markdown), and every
    arm's mean scores as metrics.
    """
    import json

    from components.compare.compare import CompareInputs, compare
    from components.compare.summary import summary_metrics
    from components.contracts.files import read_json
    from components.contracts.pods import folders_of
    from components.contracts.progress import stage

    with stage("compare"):
        inputs = CompareInputs(
            plan=json.loads(plan_json),
            evaluations=[str(folder) for evaluation in evaluations for folder in folders_of(evaluation.path)],
            development_set=development_set.path,
            test_set=test_set.path,
            external_set=external_set.path,
            synthetic_set=synthetic_set.path,
            data_report=data_report.path,
            synthetic_report=synthetic_report.path,
            audit_report=audit_report.path,
        )
        compare([inputs], verdict.path, ledger.path, report.path, summary.path)
        for name, value in summary_metrics(read_json(verdict.path)).items():
            metrics.log_metric(name, value)
