"""Trains one DCGAN, of one class and replicate, on the development set."""

import csv
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from components.contracts import progress
from components.contracts.errors import InputError
from components.contracts.files import fresh_folder, whole_file, write_json
from components.contracts.imageset import ImageSet
from components.storage.checkpoint_store import open_store
from components.train_gan.batches import batch_sizes, batches, training_pixels
from components.train_gan.checkpoint import checkpoint_key, load_latest, save
from components.train_gan.training import PICTURES, GanSettings, Training

LOSSES = ("loss_d", "loss_g", "score_real", "score_fake")
SECONDS_BETWEEN_REPORTS = 1.0

__all__ = ["GanSettings", "train_gan"]


def train_gan(
    development: ImageSet,
    class_name: str,
    replicate: int,
    seed: int,
    settings: GanSettings,
    *,
    gpus: str,
    threads: int,
    checkpoints: str | Path,
    generator_folder: str | Path,
) -> None:
    """Train the generator of one class and write it, its losses and its progress to `generator_folder`, afresh.

    It learns from the development rows of the class that `replicate` does not validate on. `seed` is this
    replicate's own. `gpus` of "" or "0" means the CPU, else the first GPU. With `checkpoints`, a folder or
    minio://bucket/prefix ("": none), a training that was interrupted goes on from its last checkpoint: on the CPU,
    with as many `threads`, to the very bits that it would have given without the interruption.

    Files: generator.safetensors (weights, their running mean if `settings` ask for it), gan.json, losses.csv
    (one row an update: losses in nats, scores = mean D(x) and D(G(z)) in 0..1) and progress.npy (uint8
    [T, 16, S, S, 3], 16 pictures at T moments). Raises InputError for an unknown class, too few images, a
    missing GPU, and losses that are no longer finite.
    """
    device = _device(gpus)
    _set_up_torch(device, threads)
    pixels = training_pixels(development, class_name, replicate)
    store = open_store(checkpoints)
    key = checkpoint_key(settings, class_name, replicate, seed, pixels)
    cell = f"{class_name}/{replicate}"

    label = development.classes.index(class_name)
    cell_seed = int(np.random.SeedSequence([seed, label]).generate_state(1, np.uint64)[0])
    training = Training(settings, development.image_size, cell_seed, device)
    updates_an_epoch = len(batch_sizes(len(pixels), settings.batch_size))
    moments = progress_moments(settings.epochs * updates_an_epoch)
    losses = torch.zeros(settings.epochs, updates_an_epoch, len(LOSSES))
    pictures = torch.zeros(len(moments), PICTURES, *pixels.shape[1:], dtype=torch.uint8)
    pictures[0] = training.pictures()
    done, seconds = 0, 0.0
    if store and (found := load_latest(store, key)):
        header, tensors = found
        training.restore(tensors)
        losses, pictures = tensors["losses"], tensors["pictures"]
        done, seconds = header["epoch"], header["seconds"]
        progress.report("train_gan", cell, done, settings.epochs, "epochs")

    resident = _on_device(pixels, device)
    reported = -math.inf
    for epoch in range(done + 1, settings.epochs + 1):
        start = time.monotonic()
        rows = []
        for real, latents in batches(resident, settings.batch_size, settings.latent, settings.flips, training.rng):
            rows.append(training.update(real, latents))
            if training.updates in moments:
                pictures[moments.index(training.updates)] = training.pictures()
        losses[epoch - 1] = torch.stack(rows).cpu()
        now = time.monotonic()
        seconds += now - start
        if not losses[epoch - 1].isfinite().all():
            raise InputError(
                f"gan_learning_rate: the losses of {cell} are no longer finite in epoch {epoch}; "
                f"lower it (it is {settings.learning_rate:g})"
            )
        if epoch == settings.epochs or now - reported >= SECONDS_BETWEEN_REPORTS:
            reported = now
            loss_d, loss_g = losses[epoch - 1, :, :2].mean(dim=0).tolist()
            speed = epoch * len(pixels) / seconds
            figures = {"loss_d": loss_d, "loss_g": loss_g, "images_per_second": speed}
            progress.report("train_gan", cell, epoch, settings.epochs, "epochs", **figures)
        if store and (epoch == settings.epochs or epoch % settings.checkpoint_epochs == 0):
            tensors = training.tensors() | {"losses": losses, "pictures": pictures}
            save(store, key, epoch, {"epoch": epoch, "seconds": seconds}, tensors)

    about = {"class": class_name, "replicate": replicate, "seed": seed, "epochs": settings.epochs}
    about |= {"updates": training.updates, "images": len(pixels), "image_size": development.image_size}
    about |= {"latent": settings.latent, "width": settings.width}
    about |= {"images_per_second": settings.epochs * len(pixels) / seconds}
    _write(fresh_folder(generator_folder), training, about, losses, pictures, moments)


def progress_moments(updates: int) -> list[int]:
    """Return the updates after which pictures are drawn: 0, then up to 7 moments, each double the one before."""
    return sorted({0, *(math.ceil(updates / 2**halvings) for halvings in range(7))})


def _write(
    folder: Path, training: Training, about: dict[str, Any], losses: Tensor, pictures: Tensor, moments: list[int]
) -> None:
    weights = {name: value.cpu().contiguous() for name, value in training.averaged.state_dict().items()}
    with whole_file(folder / "generator.safetensors") as part:
        save_file(weights, part)
    np.save(folder / "progress.npy", pictures.numpy(), allow_pickle=False)
    with (folder / "losses.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["update", *LOSSES])
        for update, row in enumerate(losses.flatten(0, 1).tolist(), start=1):
            writer.writerow([update, *(f"{value:.7g}" for value in row)])
    loss_d, loss_g = losses[-1, :, :2].mean(dim=0).tolist()
    final = {"loss_d": loss_d, "loss_g": loss_g}
    write_json(folder / "gan.json", about | {"final": final, "progress_updates": moments})


def _device(gpus: str) -> torch.device:
    if gpus in ("", "0"):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise InputError(
            f"gan_gpus: {gpus} asked for, but this machine has none that PyTorch can use; set it to 0, or "
            "build the gan image with VARIANT=cuda"
        )
    return torch.device("cuda", 0)


def _set_up_torch(device: torch.device, threads: int) -> None:
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = True
    # The same seed gives the same bits on the CPU; a GPU may take its fastest kernels.
    # Filling memory before its first use costs 7% of the time and changes nothing: all of it is written.
    torch.use_deterministic_algorithms(device.type == "cpu")
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _on_device(pixels: np.ndarray, device: torch.device) -> Tensor:
    """Return the pixels as a tensor that stays on `device` for the whole training."""
    tensor = torch.from_numpy(np.ascontiguousarray(pixels))
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)
