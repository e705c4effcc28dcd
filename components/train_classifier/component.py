"""The stage `train_classifier` as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="gansweep-classifier", packages_to_install=[], install_kfp_package=False)
def train_classifier(
    development_set: dsl.Input[dsl.Dataset],
    synthetic_set: dsl.Input[dsl.Dataset],
    models: dsl.Output[dsl.Model],
    arm: str,
    replicates: int,
    gan_replicates: int,
    seed: int,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    dropout: float,
    patience: int,
    threads: int,
) -> None:
    """Train every replicate of one arm's classifier; real and synthetic images are mixed in memory.

    Gives one model a replicate, their training curves and their predictions for the validation rows.
    """
    from components.contracts.arms import parse_arm
    from components.contracts.imageset import read_imageset
    from components.contracts.progress import stage
    from components.train_classifier.train import ClassifierSettings, train_classifier

    with stage("train_classifier", arm):
        settings = ClassifierSettings(
            epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, dropout=dropout, patience=patience
        )
        train_classifier(
            read_imageset(development_set.path),
            read_imageset(synthetic_set.path),
            parse_arm(arm),
            replicates,
            gan_replicates,
            seed,
            settings,
            threads=threads,
            models_folder=models.path,
        )
