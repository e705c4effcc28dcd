"""Features from a small network that learns the classes from the development set alone.

Numbers from these features compare within one development set: synthetic with synthetic, and with the floor.
They do not compare with published FID or KID, which rest on Inception trained on ImageNet.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

FEATURES = 64
LARGEST_INPUT = 64
EPOCHS = 20
MOST_UPDATES = 800
BATCH = 64
MOST_FOR_SPREAD = 5000
ABOUT = (
    f"{FEATURES} features of a small encoder trained on the classes of the development set alone: they compare "
    "within this run and with the floor, not with figures from Inception features"
)


class Encoder(nn.Module):
    """From images, float32 [N, 3, S, S] in 0..1 with S = 16, 32, 64, ..., to the log-odds of the classes [N, C].

    Images above 64 x 64 are averaged down to that. `features` gives the layer before the last, float32 [N, 64];
    `spread` is their standard deviation over the development set, the unit of what `encode` returns.
    """

    spread: float = 1.0

    def __init__(self, classes: int, image_size: int) -> None:
        super().__init__()
        self.input_size = min(image_size, LARGEST_INPUT)
        blocks = self.input_size.bit_length() - 3
        widths = [3, FEATURES // 2, *[FEATURES] * (blocks - 1)]
        layers: list[nn.Module] = []
        for before, after in zip(widths, widths[1:], strict=False):
            layers += [nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        self.convolutions = nn.Sequential(*layers)
        self.last = nn.Linear(FEATURES, classes)

    def features(self, images: Tensor) -> Tensor:
        """Return the mean over the last feature maps, float32 [N, 64]."""
        return self.convolutions(functional.adaptive_avg_pool2d(images, self.input_size) * 4 - 2).mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Return the log-odds of the classes."""
        return self.last(self.features(images))


def train_encoder(images: np.ndarray, labels: np.ndarray, seed: int) -> Encoder:
    """Learn the classes (int [N], 0..C-1) of uint8 [N, S, S, 3] images; same seed, same network.

    Adam, 20 epochs but at most 800 updates, every class weighing the same; flips, quarter turns and changes of
    brightness and contrast keep it from learning the images by heart.
    """
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = Encoder(int(labels.max()) + 1, images.shape[1])
    counts = np.bincount(labels)
    weights = torch.tensor(len(labels) / (len(counts) * counts), dtype=torch.float32)
    updates = min(MOST_UPDATES, EPOCHS * -(-len(labels) // BATCH))
    optimiser = torch.optim.AdamW(encoder.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=updates)
    encoder.train()
    for _ in range(updates):
        rows = torch.randint(len(labels), (BATCH,), generator=rng).numpy()
        batch = _jitter(_as_tensor(images[rows]), rng)
        loss = functional.cross_entropy(encoder(batch), torch.from_numpy(labels[rows]), weights, label_smoothing=0.1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    encoder.eval()
    some = np.random.default_rng(seed).permutation(len(images))[:MOST_FOR_SPREAD]
    encoder.spread = float(np.sqrt(encode(encoder, images[np.sort(some)]).var(0).mean())) or 1.0
    return encoder


@torch.inference_mode()
def encode(encoder: Encoder, images: np.ndarray, batch: int = 256) -> np.ndarray:
    """Return the features, float64 [N, 64], of uint8 [N, S, S, 3] images, in units of the encoder's spread."""
    parts = [encoder.features(_as_tensor(images[i : i + batch])) for i in range(0, len(images), batch)]
    return torch.cat(parts).double().numpy() / encoder.spread


def _as_tensor(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images.astype(np.float32)).permute(0, 3, 1, 2) / 255


def _jitter(images: Tensor, rng: torch.Generator) -> Tensor:
    """Flip each image or not, turn the batch by quarters, and change each image's contrast and brightness by 10%."""
    flipped = torch.rand((len(images), 1, 1, 1), generator=rng) < 0.5
    images = torch.where(flipped, images.flip(3), images)
    images = torch.rot90(images, int(torch.randint(4, (1,), generator=rng)), (2, 3))
    contrast, brightness = torch.empty((2, len(images), 1, 1, 1)).uniform_(-0.1, 0.1, generator=rng)
    return images * (1 + contrast) + brightness
