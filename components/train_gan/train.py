"""Trains one DCGAN, of one class and replicate, on the development set."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from components.contracts.files import fresh_folder, whole_file, write_json
from components.contracts.imageset import ImageSet
from components.contracts.progress import note
from components.generators.device import open_device, precision_of, to_device
from components.storage.checkpoint_store import open_store
from components.train_gan.batches import batch_sizes, batches, training_pixels
from components.train_gan.checkpoint import checkpoint_key, load_latest, save
from components.train_gan.record import LOSSES, Record
from components.train_gan.training import GanSettings, Training


def train_gan(
    development: ImageSet,
    class_name: str,
    replicate: int,
    seed: int,
    image_size: int,
    settings: GanSettings,
    *,
    gpus: str,
    threads: int,
    checkpoints: str | Path,
    generator_folder: str | Path,
) -> None:
    """Train the generator of one class and write it, its losses and its progress to `generator_folder`, afresh.

    It learns from the development rows of the class that `replicate` does not validate on, at `image_size`. `seed`
    is this replicate's own. `gpus` of "" or "0" means the CPU, else the first GPU; the precision "auto" of `settings`
    is decided by the hardware. With `checkpoints`, a folder or minio://bucket/prefix ("": none), a training that was
    interrupted goes on from its last checkpoint: on the CPU, with as many `threads`, to the very bits that it would
    have given without the interruption.

    Files: generator.safetensors (weights, their running mean if `settings` ask for it), gan.json, losses.csv
    (one row an update: losses in nats, scores = mean D(x) and D(G(z)) in 0..1) and progress.npy (uint8
    [T, 16, S, S, 3], 16 pictures at T moments). Raises InputError for an unknown class, too few images, a
    missing GPU, and losses that are no longer finite.
    """
    device = open_device(gpus, threads)
    settings = replace(settings, precision=precision_of(settings.precision, device))
    pixels = training_pixels(development, class_name, replicate, image_size)
    store = open_store(checkpoints)
    key = checkpoint_key(settings, class_name, replicate, seed, pixels)

    label = development.classes.index(class_name)
    cell_seed = int(np.random.SeedSequence([seed, label]).generate_state(1, np.uint64)[0])
    training = Training(settings, image_size, cell_seed, device)
    sizes = batch_sizes(len(pixels), settings.batch_size, whole_passes=settings.epochs > 0)
    planned = settings.epochs * len(sizes) or settings.updates
    record = Record(f"{class_name}/{replicate}", planned, sum(sizes) / len(sizes), training)
    if store and (found := load_latest(store, key)):
        header, tensors = found
        training.restore(tensors)
        record.restore(training.updates, header["seconds"], tensors)
        cell = f"{class_name}/{replicate}"
        note(
            "train_gan", cell, f"train_gan {cell} goes on from its checkpoint of update {training.updates} of {planned}"
        )

    resident = to_device(torch.from_numpy(np.ascontiguousarray(pixels)), device)
    kept = training.updates
    record.start()
    while training.updates < planned:
        for real, latents in batches(resident, sizes, settings.latent, settings.flips, training.rng):
            record.add(training.update(real, latents), training)
            if training.updates == planned:
                break
        # Only between two passes: what is left of one is not among a checkpoint's tensors.
        if store and (training.updates == planned or training.updates - kept >= settings.checkpoint_updates):
            kept = training.updates
            record.look(kept)
            save(store, key, kept, {"seconds": record.seconds}, training.tensors() | record.tensors())
            record.start()

    loss_d, loss_g = record.losses[-len(sizes) :, :2].cpu().mean(dim=0).tolist()
    about = {
        "class": class_name,
        "replicate": replicate,
        "seed": seed,
        "epochs": settings.epochs or round(planned * record.batch / len(pixels), 1),
        "updates": planned,
        "images": len(pixels),
        "image_size": image_size,
        "latent": settings.latent,
        "width": settings.width,
        "precision": settings.precision,
        "images_per_second": record.images_per_second,
        "final": {"loss_d": loss_d, "loss_g": loss_g},
        "progress_updates": record.moments,
    }
    _write(fresh_folder(generator_folder), training, record, about)


def _write(folder: Path, training: Training, record: Record, about: dict[str, Any]) -> None:
    weights = {name: value.cpu().contiguous() for name, value in training.averaged.state_dict().items()}
    with whole_file(folder / "generator.safetensors") as part:
        save_file(weights, part)
    np.save(folder / "progress.npy", record.pictures.numpy(), allow_pickle=False)
    with (folder / "losses.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["update", *LOSSES])
        for update, row in enumerate(record.losses.tolist(), start=1):
            writer.writerow([update, *(f"{value:.7g}" for value in row)])
    write_json(folder / "gan.json", about)
