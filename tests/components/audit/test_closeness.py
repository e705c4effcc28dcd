import numpy as np
import pytest
from scipy.stats import binom

from components.audit.closeness import drawn_by_lot, nearest_counts, share_closer
from components.pictures.similarity import thumbnails
from pipelines.phantoms.drawing import draw_phantom

TRIALS = 40
MOST_MISSED = int(binom.ppf(0.999, TRIALS, 0.05))  # of 40 intervals that hold at 95%; the seeds are fixed


@pytest.fixture(scope="module")
def pool() -> np.ndarray:
    """Phantoms of one class, as they are."""
    return np.stack([draw_phantom(1, i, size=32, seed=0) for i in range(500)])


def dealt(pool: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.random.Generator]:
    """Deal the pool out: development, test and fresh images."""
    rng = np.random.default_rng(seed)
    development, test, fresh = np.split(pool[rng.permutation(len(pool))], [160, 240])
    return development, test, fresh, rng


def share_closer_to_test(made: np.ndarray, development: np.ndarray, test: np.ndarray, seed: int):
    real, groups = thumbnails(np.concatenate([development, test])), np.arange(len(development) + len(test)).astype(str)
    of_development = np.arange(len(real)) < len(development)
    return share_closer(nearest_counts(thumbnails(made), real, groups), of_development, groups, seed)


def noise(fresh, rng):
    return rng.integers(0, 256, (100, 32, 32, 3), dtype=np.uint8)


def held_out(fresh, rng):
    return fresh[:100]


def averages_of_held_out(fresh, rng):
    return ((fresh[:100].astype(int) + fresh[100:200]) // 2).astype(np.uint8)


@pytest.mark.parametrize("make", [noise, held_out, averages_of_held_out])
def test_the_interval_covers_one_half_of_what_has_seen_no_test_image(pool, make):
    missed = 0
    for seed in range(TRIALS):
        development, test, fresh, rng = dealt(pool, seed)
        low, high = share_closer_to_test(make(fresh, rng), development, test, seed).interval
        missed += not low <= 0.5 <= high
    assert missed <= MOST_MISSED


def test_what_was_made_of_development_images_alone_is_never_accused(pool):
    for seed in range(20):
        development, test, _, rng = dealt(pool, seed)
        blended = (0.7 * development[:100] + 0.3 * development[rng.permutation(160)[:100]]).astype(np.uint8)
        assert share_closer_to_test(blended, development, test, seed).interval[0] < 0.5


def lighter(test, rng):
    return np.clip(test.astype(int) + 40, 0, 255).astype(np.uint8)


def cut(test, rng):
    return test[:, 3:29, 3:29].repeat(2, 1).repeat(2, 2)[:, 2:50, 2:50][:, ::3, ::3].repeat(2, 1).repeat(2, 2)


def blends_of_two(test, rng):
    return (0.6 * test + 0.4 * test[rng.permutation(len(test))]).astype(np.uint8)


@pytest.mark.parametrize("make", [lighter, cut, blends_of_two])
def test_what_was_made_of_test_images_is_found(pool, make):
    for seed in range(5):
        development, test, _, rng = dealt(pool, seed)
        found = share_closer_to_test(make(test, rng), development, test, seed)
        assert found.interval[0] > 0.5
        assert found.p_value < 0.01


@pytest.mark.parametrize(("training", "held", "groups_of"), [(200, 50, 1), (200, 200, 1), (200, 50, 5)])
def test_the_interval_holds_for_whole_groups(training, held, groups_of):
    """Each group attracts pictures as a whole, and some attract many."""
    mask = np.arange(training + held) >= training
    groups = (np.arange(len(mask)) // groups_of).astype(str)
    missed, shares = 0, []
    for seed in range(TRIALS):
        rng = np.random.default_rng([training, held, groups_of, seed])
        counts = rng.poisson(np.repeat(rng.lognormal(0, 1.5, len(mask) // groups_of), groups_of))
        found = share_closer(counts, mask, groups, seed)
        shares.append(found.value)
        missed += not found.interval[0] <= 0.5 <= found.interval[1]
        assert (found.p_value <= 0.05) == (not found.interval[0] <= 0.5 <= found.interval[1])
    assert missed <= MOST_MISSED
    assert np.mean(shares) == pytest.approx(0.5, abs=0.05)


def test_where_one_real_image_attracts_all_nothing_is_told():
    counts = np.zeros(100, int)
    counts[7] = 500
    found = share_closer(counts, np.arange(100) % 5 == 0, np.arange(100).astype(str), 0)
    assert found.interval[0] < 0.5 < found.interval[1]
    assert found.p_value > 0.05


def test_each_real_image_nearest_once_is_fair_to_the_last_bit():
    held, groups = np.arange(224) % 5 == 0, np.arange(224).astype(str)
    found = share_closer(np.ones(224, int), held, groups, 0)
    assert found.interval[0] <= 0.5 <= found.interval[1]
    assert found.p_value == 1


def test_the_interval_holds_the_odds_that_images_were_drawn_with():
    """Training images attract four times as many pictures: the share is 80%."""
    held, groups = np.arange(250) >= 200, np.arange(250).astype(str)
    covered = 0
    for seed in range(TRIALS):
        rng = np.random.default_rng(seed)
        counts = rng.poisson(rng.lognormal(0, 1, 250) * np.where(held, 1, 4))
        low, high = share_closer(counts, held, groups, seed).interval
        covered += low <= 0.8 <= high
    assert covered >= TRIALS - MOST_MISSED - 2  # dividing counts by the odds scales their noise too


def test_dull_images_in_the_midst_do_not_attract_all_pictures(pool):
    real, groups = thumbnails(pool[:200]), np.arange(200).astype(str)
    averages = thumbnails(((pool[200:300].astype(int) + pool[300:400]) // 2).astype(np.uint8))
    counts = nearest_counts(averages, real, groups)
    assert counts.sum() == 100
    assert counts.max() <= 10
    assert nearest_counts(real, real, groups).tolist() == [1] * 200


def test_whole_groups_are_drawn_by_lot():
    groups = np.repeat(np.arange(40), 3).astype(str)
    drawn = drawn_by_lot(groups, 0.2, 0)
    assert drawn.reshape(40, 3).all(1).sum() == 8
    assert drawn.sum() == 24
    assert drawn_by_lot(np.array(["a", "b", "c"]), 0.01, 0).sum() == 1
