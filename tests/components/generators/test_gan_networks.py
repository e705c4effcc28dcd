import re

import pytest
import torch
from torch import nn

from components.contracts.errors import InputError
from components.contracts.gan_sizes import IMAGE_SIZES
from components.generators.networks import Discriminator, Generator, from_pixels, initialise, to_pixels

# The paper's appendix, "Full structure of GAN".
PAPER = """
Generator(
  (main): Sequential(
    (0): ConvTranspose2d(100, 128, kernel_size=(4, 4), stride=(1, 1),
bias=False)
    (1): BatchNorm2d(128, eps=1e-05, momentum=0.1, affine=True,
track_running_stats=True)
    (2): ReLU(inplace=True)
    (3): ConvTranspose2d(128, 64, kernel_size=(4, 4), stride=(2, 2),
padding=(1, 1), bias=False)
    (4): BatchNorm2d(64, eps=1e-05, momentum=0.1, affine=True,
track_running_stats=True)
    (5): ReLU(inplace=True)
    (6): ConvTranspose2d(64, 32, kernel_size=(4, 4), stride=(2, 2),
padding=(1, 1), bias=False)
    (7): BatchNorm2d(32, eps=1e-05, momentum=0.1, affine=True,
track_running_stats=True)
    (8): ReLU(inplace=True)
    (9): ConvTranspose2d(32, 3, kernel_size=(4, 4), stride=(2, 2),
padding=(1, 1), bias=False)
    (10): Tanh()
  )
)
Discriminator(
  (main): Sequential(
    (0): Conv2d(3, 32, kernel_size=(4, 4), stride=(2, 2), padding=(1,
1), bias=False)
    (1): BatchNorm2d(32, eps=1e-05, momentum=0.1, affine=True,
track_running_stats=True)
    (2): LeakyReLU(negative_slope=0.2, inplace=True)
    (3): Conv2d(32, 64, kernel_size=(4, 4), stride=(2, 2), padding=(1,
1), bias=False)
    (4): BatchNorm2d(64, eps=1e-05, momentum=0.1, affine=True,
track_running_stats=True)
    (5): LeakyReLU(negative_slope=0.2, inplace=True)
    (6): Conv2d(64, 128, kernel_size=(4, 4), stride=(2, 2), padding=(1,
1), bias=False)
    (7): BatchNorm2d(128, eps=1e-05, momentum=0.1, affine=True,
track_running_stats=True)
    (8): LeakyReLU(negative_slope=0.2, inplace=True)
    (9): Conv2d(128, 1, kernel_size=(4, 4), stride=(1, 1), bias=False)
    (10): Sigmoid()
  )
)
"""


def test_both_networks_print_as_in_the_paper():
    printed = f"{Generator()} {Discriminator()}"
    # PyTorch has come to print that batch norm has a bias, as it had in the paper's time without saying so.
    printed = printed.replace("affine=True, bias=True,", "affine=True,")
    assert re.sub(r"\s+", " ", printed) == re.sub(r"\s+", " ", PAPER).strip()


@pytest.mark.parametrize("size", IMAGE_SIZES)
def test_each_size_of_image_goes_through_both_networks(size):
    generator, discriminator = Generator(10, 2, size), Discriminator(2, size)
    images = generator(torch.randn(2, 10, 1, 1))
    assert images.shape == (2, 3, size, size)
    assert discriminator(images).shape == (2, 1, 1, 1)
    blocks = sum(isinstance(layer, nn.ConvTranspose2d) for layer in generator.main)
    assert 2 ** (blocks + 1) == size


@pytest.mark.parametrize("size", [8, 33, 48, 100])
def test_other_sizes_are_refused_by_name(size):
    with pytest.raises(InputError, match=f"image_size: a DCGAN can't have {size}"):
        Generator(image_size=size)


def test_logits_are_what_the_printed_sigmoid_sees():
    discriminator = Discriminator(4, 16).eval()
    images = torch.rand(5, 3, 16, 16)
    torch.testing.assert_close(discriminator.logits(images).sigmoid(), discriminator(images).flatten())


def test_weights_start_as_the_dcgan_draws_them():
    network = Generator()
    initialise(network, torch.Generator().manual_seed(0))
    weights = torch.cat([m.weight.flatten() for m in network.modules() if isinstance(m, nn.ConvTranspose2d)])
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    scales = torch.cat([norm.weight for norm in norms])
    assert abs(weights.mean()) < 2e-4
    assert abs(weights.std() - 0.02) < 2e-4
    assert abs(scales.mean() - 1) < 0.005
    assert 0.015 < scales.std() < 0.025
    assert all((norm.bias == 0).all() for norm in norms)


def test_pixels_come_back_from_images_unchanged():
    pixels = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).expand(1, 16, 16, 3)
    images = from_pixels(pixels)
    assert (images.min(), images.max()) == (-1, 1)
    assert torch.equal(to_pixels(images), pixels)
