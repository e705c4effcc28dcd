"""The stage `synthesize` as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="gansweep-gan", packages_to_install=[], install_kfp_package=False)
def synthesize(
    generators: dsl.Input[list[dsl.Model]],
    development_set: dsl.Input[dsl.Dataset],
    test_set: dsl.Input[dsl.Dataset],
    external_set: dsl.Input[dsl.Dataset],
    synthetic_set: dsl.Output[dsl.Dataset],
    synthetic_report: dsl.Output[dsl.Artifact],
    arms: list,
    synthetic_sets: dict,
    synthetic_version: str,
    max_bad_share: float,
    bits_used: int,
    on_leak: str,
    replicates: int,
    seed: int,
    threads: int,
) -> None:
    """Draw the most synthetic images that any arm needs, and gather those of `synthetic_sets`.

    Gives the synthetic set, of which every arm takes the first n a class, and what is to be said of how it was made.
    The test sets are looked at for one end: near-copies of its images are found, and treated as `on_leak` says.
    `synthetic_version` stands for the content of the sets, for Kubeflow's cache.
    """
    from components.contracts.arms import parse_arms
    from components.contracts.imageset import read_imageset
    from components.contracts.pods import folders_of
    from components.contracts.progress import stage
    from components.synthesize.synthesize import synthesize

    with stage("synthesize"):
        synthesize(
            [folder for generator in generators for folder in folders_of(generator.path)],
            read_imageset(development_set.path),
            read_imageset(test_set.path),
            read_imageset(external_set.path),
            parse_arms(arms),
            seed,
            synthetic_sets=synthetic_sets,
            max_bad_share=max_bad_share,
            bits_used=bits_used,
            on_leak=on_leak,
            replicates=replicates,
            threads=threads,
            synthetic_folder=synthetic_set.path,
            report_folder=synthetic_report.path,
        )
