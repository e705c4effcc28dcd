"""The stage `prepare` as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="gansweep-data", packages_to_install=[], install_kfp_package=False)
def prepare(
    development_set: dsl.Output[dsl.Dataset],
    test_set: dsl.Output[dsl.Dataset],
    external_set: dsl.Output[dsl.Dataset],
    data_report: dsl.Output[dsl.Artifact],
    data_report_page: dsl.Output[dsl.HTML],
    data_set: str,
    table: str,
    table_columns: dict,
    positive_class: str,
    image_size: int,
    test_share: float,
    test_folds: int,
    test_fold: int,
    validation_share: float,
    max_bad_share: float,
    bits_used: int,
    on_leak: str,
    on_conflict: str,
    near_duplicate_correlation: float,
    smallest_class: int,
    seed: int,
    data_version: str,
    external_test_sets: dict,
    external_version: str,
) -> None:
    """Decode every image once; find bad files, duplicates and leaks; split into development and test set.

    `data_version` and `external_version` are those of the plan: KFP's cache answers for the same ones only, and sets
    that have changed since are refused.
    Gives both sets, and all external test sets as one, as packed arrays with a table of their rows, and the data
    report as JSON and as a page.
    """
    from components.contracts.errors import InputError
    from components.contracts.progress import stage
    from components.data_set.data_set import find_positive_class, open_data_set
    from components.data_set.external_test_sets import external_version as version_of
    from components.data_set.external_test_sets import open_external_test_sets
    from components.prepare.prepare import PrepareSettings, prepare

    with stage("prepare"):
        listed = open_data_set(data_set, table, table_columns)
        if listed.digest() != data_version.partition("-")[0]:
            raise InputError(f"data_set: {data_set}: it or its table changed since the run began; start it anew")
        positive = find_positive_class(positive_class, listed.classes)
        external = open_external_test_sets(external_test_sets, listed.classes, positive, max_bad_share)
        if version_of(external) != external_version:
            raise InputError("external_test_sets: one of them or its table changed since the run began; start it anew")
        settings = PrepareSettings(
            image_size=image_size,
            positive_class=positive,
            test_share=test_share,
            test_folds=test_folds,
            test_fold=test_fold,
            validation_share=validation_share,
            max_bad_share=max_bad_share,
            bits_used=bits_used,
            on_leak=on_leak,
            on_conflict=on_conflict,
            near_duplicate_correlation=near_duplicate_correlation,
            seed=seed,
            smallest_class=smallest_class,
        )
        prepare(
            listed,
            settings,
            development_set.path,
            test_set.path,
            data_report.path,
            data_report_page.path,
            external_set.path,
            external,
        )
