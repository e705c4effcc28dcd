"""The stage `fetch_classifier` as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="gansweep-data", packages_to_install=[], install_kfp_package=False)
def fetch_classifier(
    network: dsl.Output[dsl.Model],
    classifier: str,
    classifier_weights: str,
    classifier_trainable: str,
    classifier_start: str,
    classifier_version: str,
) -> None:
    """Bring the user's own network, or its weights, into the run; the trainers have no way to storage.

    A stage of its own, so that Kubeflow's cache answers for an unchanged file: `classifier_version` is the digest that
    `plan` has found, "" for a classifier without a file. Gives the choice, and a copy of the file.
    """
    from components.contracts.progress import stage
    from components.fetch_classifier.fetch import fetch

    with stage("fetch_classifier"):
        fetch(
            classifier,
            classifier_weights,
            classifier_trainable,
            classifier_start,
            classifier_version,
            network.path,
        )
