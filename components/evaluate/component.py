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
    pod: dict,
    target_sensitivity: float,
    threads: int,
) -> None:
    """Measure every replicate of the arms of `pod` on the test set and on all external ones.

    No other stage predicts these. The models of `real` also say what they take the synthetic images for.

    Gives of each arm the predictions and metrics, and for the Kubeflow UI the confusion matrix and ROC curve of the
    first, for which there is room.
    """
    from components.contracts.features import read_features
    from components.contracts.imageset import read_imageset
    from components.contracts.pods import cell_folders, folders_of
    from components.contracts.progress import stage
    from components.contracts.slots import slot
    from components.evaluate.evaluate import evaluate
    from components.evaluate.views import confusion_view, roc_view

    arms = pod["arms"]
    evaluation.metadata["display_name"] = f"evaluation {', '.join(arms)}"
    classification_metrics.metadata["display_name"] = f"classification metrics {arms[0]}"
    folders = cell_folders(evaluation.path, arms)
    for arm, trained, folder in zip(arms, folders_of(models.path), folders, strict=True):
        with slot(), stage("evaluate", arm):
            test = read_imageset(test_set.path)
            looked_at = read_features(features.path)
            evaluate(
                trained,
                test,
                read_imageset(external_set.path),
                target_sensitivity,
                folder,
                threads=threads,
                features=looked_at,
                synthetic=read_imageset(synthetic_set.path) if arm.strip() == "real" else None,
            )
            if folder is folders[0]:
                classification_metrics.log_confusion_matrix(*confusion_view(folder, test))
                classification_metrics.log_roc_curve(*roc_view(folder, test))
