"""Features from Inception v3, with weights from a file that the user gives.

Szegedy et al. 2016 (Rethinking the Inception architecture for computer vision), up to the last average pooling.
Tensors are named as in torchvision's `inception_v3`, and so are those of the weights that FID is usually taken
with (`pt_inception-2015-12-05`, 1008 outputs). With these, average pooling leaves out the padding and the last
block takes the maximum, as in the network they come from.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from components.contracts.errors import InputError

INPUT_SIZE = 299
FEATURES = 2048
FID_OUTPUTS = 1008
CONVERT = (
    "python -c 'import sys, torch, safetensors.torch as s; "
    "s.save_file(torch.load(sys.argv[1], weights_only=True), sys.argv[2])' weights.pth weights.safetensors"
)

Kernel = int | tuple[int, int]
# A convolution of a block: its name, what it reads ("input", "pool" or another's name), maps, kernel, stride.
Convolution = tuple[str, str, int, Kernel, int]


class Inception(nn.Module):
    """From images, float32 [N, 3, S, S] in 0..1, to features, float32 [N, 2048].

    `fid` chooses the network of the FID weights over torchvision's.
    """

    def __init__(self, fid: bool) -> None:
        super().__init__()
        average = partial(functional.avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=not fid)
        maximum = partial(functional.max_pool2d, kernel_size=3, stride=1, padding=1)
        halve = partial(functional.max_pool2d, kernel_size=3, stride=2)
        self.Conv2d_1a_3x3 = BasicConvolution(3, 32, 3, 2, 0)
        self.Conv2d_2a_3x3 = BasicConvolution(32, 32, 3, 1, 0)
        self.Conv2d_2b_3x3 = BasicConvolution(32, 64, 3, 1, 1)
        self.Conv2d_3b_1x1 = BasicConvolution(64, 80, 1, 1, 0)
        self.Conv2d_4a_3x3 = BasicConvolution(80, 192, 3, 1, 0)
        self.Mixed_5b = Block(192, _block_a(32), average)
        self.Mixed_5c = Block(256, _block_a(64), average)
        self.Mixed_5d = Block(288, _block_a(64), average)
        self.Mixed_6a = Block(288, BLOCK_B, halve)
        self.Mixed_6b = Block(768, _block_c(128), average)
        self.Mixed_6c = Block(768, _block_c(160), average)
        self.Mixed_6d = Block(768, _block_c(160), average)
        self.Mixed_6e = Block(768, _block_c(192), average)
        self.Mixed_7a = Block(768, BLOCK_D, halve)
        self.Mixed_7b = Block(1280, BLOCK_E, average)
        self.Mixed_7c = Block(2048, BLOCK_E, maximum if fid else average)

    def forward(self, images: Tensor) -> Tensor:
        """Return the features of each image."""
        size = (INPUT_SIZE, INPUT_SIZE)
        maps = functional.interpolate(images, size, mode="bilinear", align_corners=False) * 2 - 1
        for name, layer in self.named_children():
            maps = layer(maps)
            if name in ("Conv2d_2b_3x3", "Conv2d_4a_3x3"):
                maps = functional.max_pool2d(maps, 3, 2)
        return maps.mean((2, 3))


class BasicConvolution(nn.Module):
    """Convolution, batch norm and ReLU."""

    def __init__(self, before: int, after: int, kernel: Kernel, stride: int, padding: Kernel) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(after, eps=0.001)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the activations."""
        return functional.relu(self.bn(self.conv(maps)))


class Block(nn.Module):
    """Branches of convolutions over one input and its pooled form; what no other convolution reads is stacked."""

    def __init__(self, channels: int, convolutions: list[Convolution], pool: partial) -> None:
        super().__init__()
        self.pool = pool
        self.reads = {name: source for name, source, *_ in convolutions}
        self.ends = [name for name in [*self.reads, "pool"] if name not in self.reads.values()]
        maps = {"input": channels, "pool": channels} | {name: after for name, _, after, *_ in convolutions}
        for name, source, after, kernel, stride in convolutions:
            height, width = kernel if isinstance(kernel, tuple) else (kernel, kernel)
            padding = (height // 2, width // 2) if stride == 1 else 0
            self.add_module(name, BasicConvolution(maps[source], after, kernel, stride, padding))

    def forward(self, maps: Tensor) -> Tensor:
        """Return the stacked outputs of the branches."""
        found = {"input": maps, "pool": self.pool(maps)}
        for name, source in self.reads.items():
            found[name] = self.get_submodule(name)(found[source])
        return torch.cat([found[name] for name in self.ends], 1)


def _block_a(pooled: int) -> list[Convolution]:
    return [
        ("branch1x1", "input", 64, 1, 1),
        ("branch5x5_1", "input", 48, 1, 1),
        ("branch5x5_2", "branch5x5_1", 64, 5, 1),
        ("branch3x3dbl_1", "input", 64, 1, 1),
        ("branch3x3dbl_2", "branch3x3dbl_1", 96, 3, 1),
        ("branch3x3dbl_3", "branch3x3dbl_2", 96, 3, 1),
        ("branch_pool", "pool", pooled, 1, 1),
    ]


def _block_c(inner: int) -> list[Convolution]:
    return [
        ("branch1x1", "input", 192, 1, 1),
        ("branch7x7_1", "input", inner, 1, 1),
        ("branch7x7_2", "branch7x7_1", inner, (1, 7), 1),
        ("branch7x7_3", "branch7x7_2", 192, (7, 1), 1),
        ("branch7x7dbl_1", "input", inner, 1, 1),
        ("branch7x7dbl_2", "branch7x7dbl_1", inner, (7, 1), 1),
        ("branch7x7dbl_3", "branch7x7dbl_2", inner, (1, 7), 1),
        ("branch7x7dbl_4", "branch7x7dbl_3", inner, (7, 1), 1),
        ("branch7x7dbl_5", "branch7x7dbl_4", 192, (1, 7), 1),
        ("branch_pool", "pool", 192, 1, 1),
    ]


BLOCK_B: list[Convolution] = [
    ("branch3x3", "input", 384, 3, 2),
    ("branch3x3dbl_1", "input", 64, 1, 1),
    ("branch3x3dbl_2", "branch3x3dbl_1", 96, 3, 1),
    ("branch3x3dbl_3", "branch3x3dbl_2", 96, 3, 2),
]
BLOCK_D: list[Convolution] = [
    ("branch3x3_1", "input", 192, 1, 1),
    ("branch3x3_2", "branch3x3_1", 320, 3, 2),
    ("branch7x7x3_1", "input", 192, 1, 1),
    ("branch7x7x3_2", "branch7x7x3_1", 192, (1, 7), 1),
    ("branch7x7x3_3", "branch7x7x3_2", 192, (7, 1), 1),
    ("branch7x7x3_4", "branch7x7x3_3", 192, 3, 2),
]
BLOCK_E: list[Convolution] = [
    ("branch1x1", "input", 320, 1, 1),
    ("branch3x3_1", "input", 384, 1, 1),
    ("branch3x3_2a", "branch3x3_1", 384, (1, 3), 1),
    ("branch3x3_2b", "branch3x3_1", 384, (3, 1), 1),
    ("branch3x3dbl_1", "input", 448, 1, 1),
    ("branch3x3dbl_2", "branch3x3dbl_1", 384, 3, 1),
    ("branch3x3dbl_3a", "branch3x3dbl_2", 384, (1, 3), 1),
    ("branch3x3dbl_3b", "branch3x3dbl_2", 384, (3, 1), 1),
    ("branch_pool", "pool", 192, 1, 1),
]


def load_inception(path: str | Path) -> tuple[Inception, str]:
    """Open Inception weights (a .safetensors file); return the network and which of its two kinds it is, in words.

    Raises InputError if the file is missing, is a pickle, or holds other tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(
            f"inception_weights: {path}: there is no such file; give a .safetensors file or leave it empty"
        )
    if path.suffix != ".safetensors":
        raise InputError(
            f"inception_weights: {path}: not a .safetensors file (pickles can run code); convert: {CONVERT}"
        )
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"inception_weights: {path}: not a safetensors file ({error}); convert: {CONVERT}") from None
    fid = "fc.weight" in tensors and len(tensors["fc.weight"]) == FID_OUTPUTS
    network = Inception(fid)
    wanted = {name: value.shape for name, value in network.state_dict().items() if "num_batches" not in name}
    trunk = {
        name: value
        for name, value in tensors.items()
        if not name.startswith(("fc.", "AuxLogits.")) and "num_batches" not in name
    }
    for problem, names in (
        ("lacks the tensor", wanted.keys() - trunk.keys()),
        ("holds the unexpected tensor", trunk.keys() - wanted.keys()),
        ("has the wrong shape in", {n for n in wanted.keys() & trunk.keys() if wanted[n] != trunk[n].shape}),
    ):
        if names:
            raise InputError(
                f"inception_weights: {path}: {problem} {min(names)} ({len(names)} such); "
                "give the weights of torchvision's inception_v3 or of pt_inception-2015-12-05"
            )
    network.load_state_dict(trunk, strict=False)
    kind = "FID weights" if fid else "torchvision's weights"
    return network.eval().requires_grad_(False), f"{FEATURES} features of Inception v3 with {kind} from {path.name}"


@torch.inference_mode()
def inception_features(network: Inception, images: np.ndarray, batch: int = 32) -> np.ndarray:
    """Return the features, float64 [N, 2048], of uint8 [N, S, S, 3] images."""
    parts = []
    for start in range(0, len(images), batch):
        pixels = torch.from_numpy(images[start : start + batch].astype(np.float32)).permute(0, 3, 1, 2) / 255
        parts.append(network(pixels))
    return torch.cat(parts).double().numpy()
