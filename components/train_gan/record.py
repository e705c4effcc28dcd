"""What is kept of a training beside its networks: losses of every update, pictures at some moments, the time."""

import math
import time

import torch
from torch import Tensor

from components.contracts import progress
from components.contracts.errors import InputError
from components.train_gan.training import PICTURES, Training

LOSSES = ("loss_d", "loss_g", "score_real", "score_fake")
SECONDS_BETWEEN_LOOKS = 1.0


class Record:
    """The record of a training of `planned` updates of about `batch` images each.

    `losses` is float32 [planned, 4] on the training's device, `moments` the updates after which pictures are drawn,
    `pictures` uint8 [T, 16, S, S, 3], `seconds` the time of training alone.
    """

    def __init__(self, cell: str, planned: int, batch: float, training: Training) -> None:
        self.cell, self.planned, self.batch = cell, planned, batch
        self.moments = progress_moments(planned)
        self.losses = torch.zeros(planned, len(LOSSES), device=training.device)
        first = training.pictures()
        self.pictures = torch.zeros(len(self.moments), PICTURES, *first.shape[1:], dtype=torch.uint8)
        self.pictures[0] = first
        self.seconds = 0.0
        self._seen = 0
        self._reported = -math.inf
        self.start()

    @property
    def images_per_second(self) -> float:
        """Return the rate so far."""
        return self._seen * self.batch / self.seconds

    def start(self) -> None:
        """Count the time from now on."""
        self._since = time.monotonic()

    def add(self, figures: Tensor, training: Training) -> None:
        """Take down one update's figures, and pictures where it is time for them."""
        self.losses[training.updates - 1] = figures
        if training.updates in self.moments:
            self.pictures[self.moments.index(training.updates)] = training.pictures()
        if training.updates == self.planned or time.monotonic() - self._since >= SECONDS_BETWEEN_LOOKS:
            self.look(training.updates)

    def look(self, updates: int) -> None:
        """Read the figures since the last look, and report them; only here does the processor wait for a GPU.

        Raises InputError if one is no longer finite.
        """
        if updates == self._seen:
            return
        new = self.losses[self._seen : updates].cpu()
        now = time.monotonic()
        self.seconds += now - self._since
        self._since = now
        finite = new.isfinite().all(dim=1)
        if not finite.all():
            first = self._seen + 1 + int(finite.logical_not().nonzero()[0])
            raise InputError(
                f"gan_learning_rate: the losses of {self.cell} are no longer finite in update {first}; lower it"
            )
        self._seen = updates
        if updates == self.planned or now - self._reported >= SECONDS_BETWEEN_LOOKS:
            self._reported = now
            loss_d, loss_g = new[:, :2].mean(dim=0).tolist()
            figures = {"loss_d": loss_d, "loss_g": loss_g, "images_per_second": self.images_per_second}
            progress.report("train_gan", self.cell, updates, self.planned, "updates", **figures)

    def tensors(self) -> dict[str, Tensor]:
        """Return what a checkpoint keeps of it, on the CPU."""
        return {"losses": self.losses.cpu(), "pictures": self.pictures}

    def restore(self, updates: int, seconds: float, tensors: dict[str, Tensor]) -> None:
        """Take over what `tensors` returned after so many updates and seconds."""
        self.losses.copy_(tensors["losses"])
        self.pictures.copy_(tensors["pictures"])
        self._seen, self.seconds = updates, seconds
        progress.report("train_gan", self.cell, updates, self.planned, "updates")


def progress_moments(updates: int) -> list[int]:
    """Return the updates after which pictures are drawn: 0, then up to 7 moments, each double the one before."""
    return sorted({0, *(math.ceil(updates / 2**halvings) for halvings in range(7))})
