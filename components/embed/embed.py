"""Embeds image sets: pixels through the frozen backbone, chunk by chunk."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from components.contracts.features import VIEWS, new_features
from components.contracts.files import fresh_folder, write_json
from components.contracts.imageset import ImageSet
from components.contracts.machine import this_machine
from components.contracts.pixels import let_go, taken
from components.contracts.progress import report
from components.embed.backbone import FEATURES, NAME, STRIDE, WEIGHTS_SHA256, Backbone, load_backbone
from components.generators.device import open_device, precision_of

SMALLEST_INPUT = 128  # smaller images are enlarged: the network halves them five times
CHUNK_PIXELS = 64 * 128 * 128  # of one pass
PASS_BYTES = 2**29  # what a pass over so many pixels takes, with room to spare: 190 MB in bfloat16, 330 in float32


def embed(
    imagesets: dict[str, ImageSet],
    rows: dict[str, np.ndarray],
    views: dict[str, int],
    *,
    gpus: str,
    threads: int,
    features_folder: str | Path,
) -> None:
    """Write the features (`contracts.features`) of some rows (int64, rising) of each image set, in 1 or 8 views.

    Runs on a GPU if `gpus` asks for one, else on all processors and in the memory that there is: a worker for every
    `threads` of them, each with a chunk of images at a time. Convolutions are in bfloat16 where the processor
    multiplies it in hardware, else in float32; the same kind of machine and number of threads give the same bits, with
    however many workers. Raises InputError if the pretrained weights are not there.
    """
    device = open_device(gpus, threads)
    kind = torch.bfloat16 if precision_of("auto", device) == "bfloat16" else torch.float32
    network = load_backbone().to(device, kind).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    folder = fresh_folder(features_folder)
    size = input_size(next(iter(imagesets.values())).image_size)
    workers = 1 if device.type == "cuda" else workers_for(size, max(views.values()), threads)
    progress = _Progress(sum(len(rows[name]) * views[name] for name in imagesets))
    # PyTorch counts threads by the thread that asks: each worker has to be told.
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(threads,)) as pool:
        for name, imageset in imagesets.items():
            look = partial(_features, network, imageset.images, views=views[name], size=size, device=device, kind=kind)
            parts = list(_chunks(rows[name], max(1, CHUNK_PIXELS // size**2 // views[name])))
            with new_features(folder, name, rows[name], views[name], FEATURES) as values:
                place = 0
                for found in pool.map(look, parts):
                    values[place : place + len(found)] = found
                    let_go(values)
                    place += len(found)
                    progress.add(found.shape[0] * found.shape[1])
    sets = {
        name: {"rows": len(rows[name]), "views": views[name], "image_set_digest": imageset.digest()}
        for name, imageset in imagesets.items()
    }
    write_json(
        folder / "features.json",
        {
            "extractor": f"{NAME} pretrained on ImageNet",
            "weights": sum(weight.numel() for weight in network.parameters()),
            "weights_sha256": WEIGHTS_SHA256,
            "input_size": size,
            "dimensions": FEATURES,
            "sets": sets,
        },
    )


def input_size(image_size: int) -> int:
    """Return the height and width at which images are embedded: the next multiple of 32, at least 128."""
    return max(SMALLEST_INPUT, -(-image_size // STRIDE) * STRIDE)


def workers_for(size: int, views: int, threads: int) -> int:
    """Return how many workers of `threads` threads embed images of this size in so many views on this machine."""
    passes = max(1, size**2 * views // CHUNK_PIXELS)  # an image in all its views is never divided
    return this_machine().workers(threads, passes * PASS_BYTES)


def _chunks(rows: np.ndarray, step: int) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), step):
        yield rows[start : start + step]


@torch.inference_mode()
def _features(
    network: Backbone,
    images: np.ndarray,
    rows: np.ndarray,
    *,
    views: int,
    size: int,
    device: torch.device,
    kind: torch.dtype,
) -> np.ndarray:
    """Return the features of some rows of images, float32 [n, views, D]."""
    pixels = torch.from_numpy(taken(images, rows)).to(device).permute(0, 3, 1, 2).float()
    if pixels.shape[2] != size:
        pixels = functional.interpolate(pixels, (size, size), mode="bilinear", align_corners=False)
    whole = torch.cat(views_of(pixels)[:views]).to(kind, memory_format=torch.channels_last)
    return network(whole).float().unflatten(0, (views, -1)).transpose(0, 1).cpu().numpy()


def views_of(images: Tensor) -> list[Tensor]:
    """Return images [N, C, S, S] and their mirror images, each in four quarter turns: 8 of [N, C, S, S]."""
    return [torch.rot90(way, turns, (2, 3)) for way in (images, images.flip(3)) for turns in range(VIEWS // 2)]


class _Progress:
    """Says how many pictures are embedded: once a second at most, and at the end."""

    def __init__(self, planned: int) -> None:
        self.planned, self.done, self.said = planned, 0, 0.0

    def add(self, count: int) -> None:
        self.done += count
        if self.done == self.planned or time.monotonic() - self.said >= 1:
            report("embed", "-", self.done, self.planned, "images")
            self.said = time.monotonic()
