"""The stage `embed` as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="gansweep-gan", packages_to_install=[], install_kfp_package=False)
def embed(
    development_set: dsl.Input[dsl.Dataset],
    test_set: dsl.Input[dsl.Dataset],
    synthetic_set: dsl.Input[dsl.Dataset],
    external_set: dsl.Input[dsl.Dataset],
    features: dsl.Output[dsl.Dataset],
    arms: list,
    classifier: str,
    seed: int,
    threads: int,
    device: str,
    gpus: str,
    gpu_stages: list,
) -> None:
    """Make features of all images, external ones too, with a frozen network pretrained on ImageNet, once a run.

    The classifier `pretrained` learns from them, and the audit judges by them; what neither looks at is left out.
    """
    from components.contracts.arms import parse_arms
    from components.contracts.imageset import read_imageset
    from components.contracts.progress import stage
    from components.embed.embed import embed
    from components.embed.wanted import wanted

    with stage("embed"):
        imagesets = {
            "development": read_imageset(development_set.path),
            "test": read_imageset(test_set.path),
            "synthetic": read_imageset(synthetic_set.path),
            "external": read_imageset(external_set.path),
        }
        embed(
            imagesets,
            *wanted(imagesets, parse_arms(arms), classifier, seed),
            gpus=gpus if device == "auto" and "embed" in gpu_stages else "",
            threads=threads,
            features_folder=features.path,
        )
