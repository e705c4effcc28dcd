"""Generator and discriminator: the paper's DCGAN (appendix, "Full structure of GAN"), for any power of two.

The paper prints both networks for 32 x 32 images. Other sizes follow the DCGAN's own rule: one block more for
each doubling of the image, with twice the feature maps on its 4 x 4 side.
"""

from typing import TypeVar

import torch
from torch import Tensor, nn

from components.contracts.errors import InputError
from components.contracts.gan_sizes import IMAGE_SIZES

Network = TypeVar("Network", bound=nn.Module)


class Generator(nn.Module):
    """From latents, float32 [N, latent, 1, 1] ~ N(0, 1), to images, float32 [N, 3, S, S] in -1..1.

    `width` is the number of feature maps of the last block. Raises InputError if a DCGAN can't have `image_size`.
    """

    def __init__(self, latent: int = 100, width: int = 32, image_size: int = 32) -> None:
        super().__init__()
        self.latent = latent
        widths = _widths(width, image_size)[::-1]
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(latent, widths[0], 4, 1, 0, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        ]
        for before, after in zip(widths, widths[1:], strict=False):
            layers += [
                nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.ConvTranspose2d(widths[-1], 3, 4, 2, 1, bias=False), nn.Tanh()]
        self.main = nn.Sequential(*layers)

    def forward(self, latents: Tensor) -> Tensor:
        """Draw one image for each latent."""
        return self.main(latents)


class Discriminator(nn.Module):
    """From images, float32 [N, 3, S, S] in -1..1, to the probability that each is real, float32 [N, 1, 1, 1].

    `width` is the number of feature maps of the first block. Raises InputError if a DCGAN can't have `image_size`.
    """

    def __init__(self, width: int = 32, image_size: int = 32) -> None:
        super().__init__()
        widths = [3, *_widths(width, image_size)]
        layers: list[nn.Module] = []
        for before, after in zip(widths, widths[1:], strict=False):
            layers += [
                nn.Conv2d(before, after, 4, 2, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        layers += [nn.Conv2d(widths[-1], 1, 4, 1, 0, bias=False), nn.Sigmoid()]
        self.main = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Return the probability that each image is real."""
        return self.main(images)

    def logits(self, images: Tensor) -> Tensor:
        """Return the log-odds that each image is real, float32 [N]: all layers but the last, the sigmoid."""
        for layer in list(self.main)[:-1]:
            images = layer(images)
        return images.flatten()


def initialise(network: nn.Module, rng: torch.Generator) -> None:
    """Draw a network's weights as the DCGAN does: convolutions N(0, 0.02), batch norm N(1, 0.02) with bias 0.

    Radford, Metz and Chintala 2016, section 4, as in the PyTorch DCGAN tutorial's `weights_init`.
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02, generator=rng)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02, generator=rng)
            nn.init.zeros_(module.bias)


def place(network: Network, device: str | torch.device) -> Network:
    """Move a network to `device`, its weights channels last: a sixth faster on a CPU, and what a GPU prefers."""
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def from_pixels(pixels: Tensor) -> Tensor:
    """Return pixels, uint8 [N, S, S, 3], as images, float32 [N, 3, S, S] in -1..1 (channels last in memory)."""
    return pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def to_pixels(images: Tensor) -> Tensor:
    """Return images, float32 [N, 3, S, S] in -1..1, as pixels, uint8 [N, S, S, 3], rounded to the nearest."""
    return images.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def _widths(width: int, image_size: int) -> list[int]:
    """Return the feature maps of each block, from the image's side to the 4 x 4 side."""
    if image_size not in IMAGE_SIZES:
        sizes = ", ".join(map(str, IMAGE_SIZES))
        raise InputError(f"image_size: a DCGAN can't have {image_size}; choose one of {sizes}")
    return [width << block for block in range(image_size.bit_length() - 3)]
