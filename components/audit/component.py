"""The stage `audit` as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="gansweep-gan", packages_to_install=[], install_kfp_package=False)
def audit(
    development_set: dsl.Input[dsl.Dataset],
    test_set: dsl.Input[dsl.Dataset],
    synthetic_set: dsl.Input[dsl.Dataset],
    features: dsl.Input[dsl.Dataset],
    audit_report: dsl.Output[dsl.Artifact],
    seed: int,
    inception_weights: str,
    threads: int,
) -> None:
    """Measure the quality and privacy of every generator's images, and whether they know the test set.

    Gives the audit report.
    """
    from components.audit.audit import audit
    from components.contracts.features import read_features
    from components.contracts.imageset import read_imageset
    from components.contracts.progress import stage

    with stage("audit"):
        audit(
            read_imageset(development_set.path),
            read_imageset(test_set.path),
            read_imageset(synthetic_set.path),
            read_features(features.path),
            seed,
            inception_weights=inception_weights,
            threads=threads,
            report_folder=audit_report.path,
        )
