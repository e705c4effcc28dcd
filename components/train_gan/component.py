"""The stage `train_gan` as a Kubeflow component."""

from kfp import dsl


@dsl.component(base_image="gansweep-gan", packages_to_install=[], install_kfp_package=False)
def train_gan(
    development_set: dsl.Input[dsl.Dataset],
    generator: dsl.Output[dsl.Model],
    curves: dsl.Output[dsl.HTML],
    pod: dict,
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
    """Train the DCGANs of `pod` ({"gans": [{label, replicate, seed}, ...]}), one after the other.

    Gives a generator of each (safetensors, losses of every update, pictures from noise to the end) and their curves
    as a page; none where no arm needs a GAN. Continues from the last checkpoint in the place named by
    GANSWEEP_CHECKPOINTS, if there is one.
    """
    from components.contracts.pods import cell_folders
    from components.contracts.progress import stage
    from components.train_gan.curves import write_curves

    # KFP hands every number in a dictionary over as a float.
    gans = [(gan["label"], int(gan["replicate"]), int(gan["seed"])) for gan in pod["gans"]]
    cells = [f"{label}/{replicate}" for label, replicate, _ in gans]
    generator.metadata["display_name"] = f"generator {', '.join(cells) or 'none'}"
    curves.metadata["display_name"] = f"curves {', '.join(cells) or 'none'}"
    folders = cell_folders(generator.path, cells)
    if not gans:
        with stage("train_gan", "none"):
            write_curves([], curves.path)
        return

    from components.contracts.gan_sizes import gan_image_size
    from components.contracts.imageset import read_imageset
    from components.storage.checkpoint_store import checkpoint_place
    from components.train_gan.train import train_gan
    from components.train_gan.training import GanSettings

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
    for (label, replicate, seed), cell, folder in zip(gans, cells, folders, strict=True):
        with stage("train_gan", cell):
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
                generator_folder=folder,
            )
    write_curves(folders, curves.path)
