import numpy as np
import pytest

from components.pictures import similarity
from components.pictures.similarity import nearest, thumbnails


def noise(size, count=20):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def images():
    return noise(16)


@pytest.mark.parametrize("size", [16, 17, 50])
@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirror", [False, True])
def test_an_image_is_found_whichever_way_it_is_turned(size, turns, mirror):
    images = noise(size)
    turned = np.rot90(images[:, :, ::-1] if mirror else images, turns, (1, 2))
    found = nearest(thumbnails(turned), thumbnails(images), 2)
    assert np.array_equal(found.rows[:, 0], np.arange(20))
    assert (found.distances[:, 0] == 0).all()
    assert found.distances[:, 1].min() > 0.01


def test_the_distance_is_the_root_mean_square_of_the_thumbnails_difference():
    size = 8  # one pixel is one cell of the thumbnail
    grey = np.full((1, size, size, 3), 100, np.uint8)
    board = grey + np.uint8(51) * (np.indices((size, size)).sum(0) % 2).astype(np.uint8)[None, :, :, None]
    # The checks stay 25.5 off their mean, which is 25.5 off the grey and weighs a quarter.
    expected = np.hypot(25.5, 25.5 / 4) / 255
    assert nearest(thumbnails(grey), thumbnails(board), 1).distances[0, 0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("size", [24, 50])
def test_a_cell_of_the_thumbnail_is_the_mean_of_the_area_that_it_covers(size):
    images = noise(size, 3)
    fine = images.repeat(4, axis=1).repeat(4, axis=2).astype(np.float64)  # 4 times 50 is a multiple of 8
    cells = fine.reshape(3, 8, size // 2, 8, size // 2, 3).mean((2, 4))
    cells -= 0.75 * cells.mean((1, 2), keepdims=True)
    np.testing.assert_allclose(thumbnails(images), cells / (255 * np.sqrt(3) * 8), atol=1e-7)


def test_neighbours_come_nearest_first_and_are_all_there_is(images):
    small = thumbnails(images)
    found = nearest(small[:3], small, 50)
    assert found.rows.shape == found.distances.shape == (3, 20)
    assert (np.diff(found.distances) >= 0).all()
    assert (np.sort(found.rows) == np.arange(20)).all()


def test_images_of_the_same_group_are_not_compared(images):
    small, groups = thumbnails(images), (np.arange(20) // 2).astype(str)
    found = nearest(small, small, 20, groups, groups)
    assert np.isinf(found.distances[:, -2:]).all()
    assert np.isfinite(found.distances[:, :-2]).all()
    assert (groups[found.rows[:, :-2]] != groups[:, None]).all()


def test_small_chunks_change_nothing(images, monkeypatch):
    small = thumbnails(images)
    whole = nearest(small, small, 5)
    monkeypatch.setattr(similarity, "CHUNK_VALUES", 60)
    parts = nearest(small, small, 5)
    assert np.array_equal(parts.rows[:, :1], whole.rows[:, :1])
    np.testing.assert_allclose(parts.distances, whole.distances, atol=1e-3)
