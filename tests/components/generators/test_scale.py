import numpy as np
import pytest

from components.contracts.errors import InputError
from components.contracts.gan_sizes import gan_image_size
from components.generators.scale import CHUNK, scaled


def test_a_smaller_image_holds_the_mean_of_the_area_that_each_pixel_covers():
    images = np.random.default_rng(0).integers(0, 256, (CHUNK + 3, 12, 12, 3)).astype(np.uint8)
    rows = np.arange(len(images))[::-1]
    halves = images[rows].reshape(len(rows), 6, 2, 6, 2, 3).mean(axis=(2, 4))
    assert np.abs(scaled(images, rows, 6) - halves).max() <= 0.5
    # 12 pixels to 8: one and a half each.
    line = np.zeros((1, 12, 12, 3), np.uint8)
    line[:, :, 1] = 150
    assert scaled(line, np.array([0]), 8)[0, 4, :3, 0].tolist() == [50, 50, 0]


def test_a_larger_image_is_smooth_and_keeps_its_colours():
    ramp = np.broadcast_to(np.arange(0, 256, 16, dtype=np.uint8)[:, None], (1, 16, 16, 3))
    larger = scaled(ramp, np.array([0]), 40)
    assert larger.shape == (1, 40, 40, 3)
    middle = larger[0, 20, 4:-4, 0].astype(int)
    assert (np.diff(middle) >= 5).all()
    assert (np.diff(middle) <= 8).all()
    assert abs(larger.mean() - ramp.mean()) < 1
    extremes = np.zeros((1, 16, 16, 3), np.uint8)
    extremes[:, :, 8:] = 255
    assert {scaled(extremes, np.array([0]), 40)[0, 0, x, 0] for x in (0, 39)} == {0, 255}


def test_images_of_the_size_asked_for_are_left_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
    assert np.array_equal(scaled(images, np.array([2, 0]), 16), images[[2, 0]])


@pytest.mark.parametrize(
    ("asked", "image_size", "drawn"),
    [(0, 32, 32), (0, 256, 256), (0, 224, 64), (0, 48, 32), (0, 16, 16), (0, 17, 16), (32, 224, 32), (128, 128, 128)],
)
def test_a_gan_draws_the_size_asked_for_or_one_that_fits(asked, image_size, drawn):
    assert gan_image_size(asked, image_size) == drawn


@pytest.mark.parametrize("asked", [48, 64])
def test_sizes_that_a_dcgan_can_not_have_or_that_are_too_large_are_refused(asked):
    with pytest.raises(InputError, match=f"gan_size: a DCGAN for images of 40 can't draw {asked}; take one of 16, 32"):
        gan_image_size(asked, 40)
