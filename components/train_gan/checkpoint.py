"""Checkpoints: where an interrupted training goes on, bit for bit.

One file holds one moment of one training: all tensors, and a header of plain JSON values. Its name begins
with a key made of everything that decides the result, so that a training finds its own and no other, in whatever pod or
run it goes on.
"""

import hashlib
import json
from dataclasses import asdict
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from components.contracts.errors import InputError
from components.storage.checkpoint_store import Store
from components.train_gan.training import GanSettings

# To be raised with every change of the training that changes its result.
FORMAT = 2
Checkpoint = tuple[dict[str, Any], dict[str, Tensor]]


def checkpoint_key(settings: GanSettings, class_name: str, replicate: int, seed: int, pixels: np.ndarray) -> str:
    """Return the key of a training on `pixels` (uint8 [N, S, S, 3], in order): the start of a file name.

    How often checkpoints are made changes no result and is no part of it.
    """
    parts = {**asdict(settings), "class": class_name, "replicate": replicate, "seed": seed, "format": FORMAT}
    del parts["checkpoint_updates"]
    digest = hashlib.sha256(json.dumps([parts, pixels.shape], sort_keys=True).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return f"{class_name}-{replicate}-{digest.hexdigest()[:24]}"


def load_latest(store: Store, key: str) -> Checkpoint | None:
    """Return header and tensors of the newest readable checkpoint of `key`; None if there is none.

    A damaged one is reported in one line and passed over.
    """
    for name in reversed(store.names(key)):
        try:
            with store.file(name) as path, safe_open(path, framework="pt") as file:
                header = json.loads(file.metadata()["header"])
                return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            print(f"train_gan: {name}: damaged checkpoint ignored ({error})", flush=True)
    return None


def save(store: Store, key: str, update: int, header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Keep a checkpoint, whole or not at all, and remove the older ones of the same key.

    If object storage fails for 20 s it is said in one line: a training is worth more than its checkpoint.
    """
    kept = f"{key}-{update:08d}.safetensors"
    try:
        store.keep(key, kept, lambda path: save_file(tensors, path, metadata={"header": json.dumps(header)}))
    except InputError as error:
        print(f"train_gan: no checkpoint of update {update}, training goes on ({error})", flush=True)
