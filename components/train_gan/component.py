"""The stage `train_gan` as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="gansweep-gan", packages_to_install=[], install_kfp_package=False)
def train_gan(
    development_set: dsl.Input[dsl.Dataset],
    generator: dsl.Output[dsl.Model],
    curves: dsl.Output[dsl.HTML],
    cell: dict,
    size: int,
    updates: int,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    beta1: float,
    latent: int,
    width: int,
    flips: bool,
    average: float,
    precision: str,
    checkpoint_updates: int,
    threads: int,
    device: str,
    gpus: str,
    gpu_stages: list,
) -> None:
    """Train one DCGAN, of the class and replicate that `cell` ({label, replicate, seed}) names.

    Gives the generator (safetensors, losses of every update, pictures from noise to the end) and its curves
    as a page; nothing where no arm needs a GAN. Continues from the last checkpoint in the place named by
    GANSWEEP_CHECKPOINTS, if there is one.
    """
    from components.contracts.progress import stage
    from components.generators.nothing import is_nothing, write_nothing

    if is_nothing(cell):
        with stage("train_gan", "none"):
            write_nothing(generator.path, curves.path)
        return

    from components.contracts.gan_sizes import gan_image_size
    from components.contracts.imageset import read_imageset
    from components.storage.checkpoint_store import checkpoint_place
    from components.train_gan.curves import write_curves
    from components.train_gan.train import train_gan
    from components.train_gan.training import GanSettings

    # KFP hands every number in a dictionary over as a float.
    label, replicate, seed = cell["label"], int(cell["replicate"]), int(cell["seed"])
    with stage("train_gan", f"{label}/{replicate}"):
        generator.metadata["display_name"] = f"generator {label}/{replicate}"
        curves.metadata["display_name"] = f"curves {label}/{replicate}"
        settings = GanSettings(
            updates=updates,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            beta1=beta1,
            latent=latent,
            width=width,
            flips=flips,
            average=average,
            precision=precision,
            checkpoint_updates=checkpoint_updates,
        )
        development = read_imageset(development_set.path)
        train_gan(
            development,
            label,
            replicate,
            seed,
            gan_image_size(size, development.image_size),
            settings,
            gpus=gpus if device == "auto" and "train_gan" in gpu_stages else "",
            threads=threads,
            checkpoints=checkpoint_place(),
            generator_folder=generator.path,
        )
        write_curves(generator.path, curves.path)
