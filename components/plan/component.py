"""The stage `plan` as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="gansweep-data", packages_to_install=[], install_kfp_package=False)
def plan(
    plan_json: dsl.OutputPath(str),  # type: ignore[valid-type]
    data_version: dsl.OutputPath(str),  # type: ignore[valid-type]
    synthetic_version: dsl.OutputPath(str),  # type: ignore[valid-type]
    external_version: dsl.OutputPath(str),  # type: ignore[valid-type]
    classifier_version: dsl.OutputPath(str),  # type: ignore[valid-type]
    smallest_class: dsl.OutputPath(int),  # type: ignore[valid-type]
    arm_pods: dsl.OutputPath(list[dict]),  # type: ignore[valid-type]
    train_gan_gpus: dsl.OutputPath(str),  # type: ignore[valid-type]
    train_gan_nodes: dsl.OutputPath(dict),  # type: ignore[valid-type]
    embed_gpus: dsl.OutputPath(str),  # type: ignore[valid-type]
    embed_nodes: dsl.OutputPath(dict),  # type: ignore[valid-type]
    train_classifier_gpus: dsl.OutputPath(str),  # type: ignore[valid-type]
    train_classifier_nodes: dsl.OutputPath(dict),  # type: ignore[valid-type]
    code_digest: str,
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
    arms: list,
    synthetic_sets: dict,
    external_test_sets: dict,
    replicates: int,
    replicates_why: str,
    gan_replicates: int,
    seed: int,
    pods: int,
    gan_size: int,
    gan_updates: int,
    gan_epochs: int,
    gan_batch_size: int,
    gan_learning_rate: float,
    gan_beta1: float,
    gan_latent: int,
    gan_width: int,
    gan_flips: bool,
    gan_average: float,
    gan_precision: str,
    gan_checkpoint_updates: int,
    gan_threads: int,
    gan_cpu: str,
    gan_memory: str,
    device: str,
    gpus: str,
    gpu_stages: list,
    gpu_type: str,
    node_selector: dict,
    tolerations: list,
    inception_weights: str,
    classifier: str,
    classifier_weights: str,
    classifier_trainable: str,
    classifier_start: str,
    classifier_epochs: int,
    classifier_batch_size: int,
    classifier_learning_rate: float,
    classifier_dropout: float,
    classifier_patience: int,
    classifier_threads: int,
    confidence: float,
    sensitivity_margin: float,
    target_sensitivity: float,
    endpoint: str,
    endpoint_specificity: float,
    bootstrap_resamples: int,
) -> list[dict]:
    """Refuse bad parameters before any work, and lay out the GAN cells and the arms.

    The parameters are those of the pipeline, documented there, and the digest of the code it was compiled from.
    Gives the plan (JSON: parameters, positive class, cells, arms; a value and no artifact, whose name would be another
    in each run, so that Kubeflow's cache would never answer for what takes it), what the pods of both loops work
    through ({"gans": [{label, replicate, seed}, ...]} and {"arms": [name, ...]}; without GANs one pod of none), the
    versions of the data, of the synthetic sets, of the external test sets and of the classifier's file, which change
    whenever a file does, the images that a class needs to fill a batch of its GAN (0 without GANs); and for each stage
    that may have GPUs their number and the labels of its nodes, both empty if it is none of `gpu_stages`.
    """
    given = locals()

    from dataclasses import asdict

    from components.contracts.files import write_json, write_text
    from components.contracts.imageset import smallest_class as images_for_a_batch
    from components.contracts.progress import note, stage, warn
    from components.data_set.checks import listed_warnings
    from components.data_set.data_set import open_data_set
    from components.plan.parameters import Parameters, check_parameters
    from components.plan.plan import make_plan

    with stage("plan"):
        parameters = check_parameters({name: given[name] for name in Parameters.model_fields})
        data = open_data_set(parameters.data_set, parameters.table, parameters.table_columns)
        for line in data.understood():
            note("plan", "-", line)
        for warning in listed_warnings(data):
            warn("plan", "-", warning)
        made = make_plan(parameters, data)
        for line in made.understood:
            note("plan", "-", line)
        for warning in made.warnings:
            warn("plan", "-", warning)
        write_json(plan_json, made.to_json(code_digest))
        write_text(data_version, made.data_version)
        write_text(synthetic_version, made.synthetic_version)
        write_text(external_version, made.external_version)
        write_text(classifier_version, made.classifier.sha256)
        batch = parameters.gan_batch_size if made.gan_cells else 0
        write_text(smallest_class, str(images_for_a_batch(batch, parameters.validation_share)))
        for stage_name in ("train_gan", "embed", "train_classifier"):
            chosen = stage_name in parameters.gpu_stages and (stage_name != "train_gan" or bool(made.gan_cells))
            write_text(given[f"{stage_name}_gpus"], parameters.gpus if chosen else "")
            write_json(given[f"{stage_name}_nodes"], parameters.node_selector if chosen else {})
        write_json(arm_pods, [{"arms": names} for names in made.arm_pods])
    return [{"gans": [asdict(gan) for gan in gans]} for gans in made.gan_pods or [[]]]
