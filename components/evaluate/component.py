"""The stage `evaluate` as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="gansweep-classifier", packages_to_install=[], install_kfp_package=False)
def evaluate(
    models: dsl.Input[dsl.Model],
    test_set: dsl.Input[dsl.Dataset],
    external_set: dsl.Input[dsl.Dataset],
    synthetic_set: dsl.Input[dsl.Dataset],
    features: dsl.Input[dsl.Dataset],
    evaluation: dsl.Output[dsl.Artifact],
    classification_metrics: dsl.Output[dsl.ClassificationMetrics],
    arm: str,
    target_sensitivity: float,
    threads: int,
) -> None:
    """Measure every replicate of one arm on the test set and on all external ones, which no other stage predicts.

    The models of `real` also say what they take the synthetic images for.

    Gives the predictions and metrics, and for the Kubeflow UI the confusion matrix and ROC curve.
    """
    from components.contracts.features import read_features
    from components.contracts.imageset import read_imageset
    from components.contracts.progress import stage
    from components.contracts.slots import slot
    from components.evaluate.evaluate import evaluate
    from components.evaluate.views import confusion_view, roc_view

    with slot(), stage("evaluate", arm):
        evaluation.metadata["display_name"] = f"evaluation {arm}"
        classification_metrics.metadata["display_name"] = f"classification metrics {arm}"
        test = read_imageset(test_set.path)
        looked_at = read_features(features.path)
        evaluate(
            models.path,
            test,
            read_imageset(external_set.path),
            target_sensitivity,
            evaluation.path,
            threads=threads,
            features=looked_at,
            synthetic=read_imageset(synthetic_set.path) if arm.strip() == "real" else None,
        )
        classification_metrics.log_confusion_matrix(*confusion_view(evaluation.path, test))
        classification_metrics.log_roc_curve(*roc_view(evaluation.path, test))
