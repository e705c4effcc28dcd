"""The stage `train_classifier` as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="gansweep-classifier", packages_to_install=[], install_kfp_package=False)
def train_classifier(
    development_set: dsl.Input[dsl.Dataset],
    synthetic_set: dsl.Input[dsl.Dataset],
    features: dsl.Input[dsl.Dataset],
    network: dsl.Input[dsl.Model],
    models: dsl.Output[dsl.Model],
    pod: dict,
    replicates: int,
    seed: int,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    dropout: float,
    patience: int,
    threads: int,
    device: str,
    gpus: str,
    gpu_stages: list,
) -> None:
    """Train the classifiers of `pod` ({"arms": [name, ...]}), one arm after the other, every replicate of each.

    They learn from the images or, for `pretrained`, from their features. Gives of each arm one model a replicate, their
    training curves and their predictions for the validation rows.
    """
    from dataclasses import asdict

    from components.contracts.arms import parse_arm
    from components.contracts.classifier import load_classifier
    from components.contracts.imageset import read_imageset
    from components.contracts.pods import cell_folders
    from components.contracts.progress import stage
    from components.contracts.slots import slot

    arms = pod["arms"]
    models.metadata["display_name"] = f"models {', '.join(arms)}"
    for arm, folder in zip(arms, cell_folders(models.path, arms), strict=True):
        with slot(), stage("train_classifier", arm):
            development, synthetic = read_imageset(development_set.path), read_imageset(synthetic_set.path)
            recipe = parse_arm(arm)
            classifier, file = load_classifier(network.path)
            if classifier.kind == "pretrained":
                from components.contracts.features import read_features
                from components.train_classifier.train_heads import train_heads

                looked_at = read_features(features.path)
                train_heads(
                    development,
                    synthetic,
                    looked_at,
                    recipe,
                    replicates,
                    seed,
                    threads=threads,
                    models_folder=folder,
                )
            else:
                from components.classifiers.start import start_tensorflow

                start_tensorflow()
                from components.train_classifier.helpers import Job
                from components.train_classifier.replicates import ClassifierSettings
                from components.train_classifier.train import train_classifier

                settings = ClassifierSettings(
                    epochs=epochs,
                    batch_size=batch_size,
                    learning_rate=learning_rate,
                    dropout=dropout,
                    patience=patience,
                )
                on_gpu = device == "auto" and gpus not in ("", "0") and "train_classifier" in gpu_stages
                paths = (development_set.path, synthetic_set.path, network.path, str(folder))
                job = Job(*paths, arm, seed, asdict(settings), threads)
                train_classifier(
                    development,
                    synthetic,
                    recipe,
                    replicates,
                    seed,
                    settings,
                    classifier,
                    file,
                    threads=threads,
                    models_folder=folder,
                    on_gpu=on_gpu,
                    helped_with=None if on_gpu else job,
                )
