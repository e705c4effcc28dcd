import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components

from components.audit.memorisation import Memorisation, distinct_rows, memorisation
from components.pictures.similarity import flag_threshold, thumbnails
from pipelines.phantoms.drawing import draw_phantom


@pytest.fixture(scope="module")
def phantoms() -> np.ndarray:
    return np.stack([draw_phantom(1, i, size=32, seed=0) for i in range(750)])


def judged(synthetic, real, groups, held_out, seed) -> Memorisation:
    return memorisation(synthetic, np.arange(len(synthetic)), real, groups, held_out, seed)


def noisy(images, deviation, rng):
    return np.clip(np.round(images + rng.normal(0, deviation, images.shape)), 0, 255).astype(np.uint8)


def planted(originals: np.ndarray, rng) -> dict[str, np.ndarray]:
    turned = np.rot90(originals, 1, (1, 2))
    return {
        "plain": originals,
        "flipped": originals[:, :, ::-1],
        "turned": turned,
        "slightly noised": noisy(originals, 5, rng),
        "noised": noisy(originals, 10, rng),
        "flipped and noised": noisy(originals[:, ::-1], 10, rng),
        "brighter": np.clip(originals.astype(int) + 10, 0, 255).astype(np.uint8),
    }


def check_planted_copies(images: np.ndarray, groups: np.ndarray) -> None:
    """Plant copies of training images, 100 of each kind, among images that no generator learnt from.

    A sixth of the groups is held out, and another sixth stands for what a perfect generator draws.
    """
    rng = np.random.default_rng(0)
    part = rng.permutation(len(np.unique(groups)))[np.unique(groups, return_inverse=True)[1]] % 6
    real, fresh = part != 0, images[part == 0]
    held_out = part[real] == 1
    copied = rng.choice(np.flatnonzero(~held_out), 100)
    copies = planted(images[real][copied], rng)
    synthetic = np.concatenate([fresh, *copies.values()])
    found = judged(thumbnails(synthetic), thumbnails(images[real]), groups[real], held_out, 0)
    for number, kind in enumerate(copies):
        rows = slice(len(fresh) + 100 * number, len(fresh) + 100 * (number + 1))
        assert found.flagged[rows].mean() >= 0.99, kind
        assert (found.matches[rows] == copied).mean() >= 0.99, kind
    # 1% is meant; no more than what chance allows (99.9% of a binomial).
    alarms = found.flagged[: len(fresh)].sum() + found.held_out_flagged
    assert alarms <= np.quantile(rng.binomial(len(fresh) + held_out.sum(), 0.01, 10_000), 0.999)
    assert (found.closest >= len(fresh)).all()


def test_planted_copies_of_phantoms_are_flagged_at_one_percent_of_false_alarms(phantoms):
    check_planted_copies(phantoms, np.arange(len(phantoms)).astype(str))


def test_planted_copies_of_real_images_are_flagged_at_one_percent_of_false_alarms(isic_images):
    small = isic_images.reshape(-1, 16, 2, 16, 2, 3).mean((2, 4), dtype=np.float32)
    flat = small.reshape(len(small), -1)
    likeness = np.maximum.reduce(
        [
            np.corrcoef(np.rot90(mirrored, k, (1, 2)).reshape(len(flat), -1), flat)[: len(flat), len(flat) :]
            for mirrored in (small, small[:, :, ::-1])
            for k in range(4)
        ]
    )
    groups = connected_components(likeness > 0.99)[1]
    check_planted_copies(isic_images, groups.astype(str))


def test_a_generator_that_copies_is_closer_to_training_and_a_fair_one_is_not(phantoms):
    real, held_out = phantoms[:400], np.arange(400) % 5 == 0
    groups = np.arange(400).astype(str)
    fair = judged(thumbnails(phantoms[400:]), thumbnails(real), groups, held_out, 0)
    assert fair.share.interval[0] < 0.5 < fair.share.interval[1]
    copies = judged(thumbnails(real[~held_out][:200]), thumbnails(real), groups, held_out, 0)
    assert copies.share.value > 0.98
    assert copies.share.interval[0] > 0.9
    assert copies.flagged.all()


def test_images_that_the_generator_never_saw_are_no_matches(phantoms):
    real, held_out = phantoms[:400], np.arange(400) % 5 == 0
    found = judged(thumbnails(real[held_out]), thumbnails(real), np.arange(400).astype(str), held_out, 0)
    assert not held_out[found.matches].any()
    assert found.flagged.sum() == found.held_out_flagged <= 4
    assert found.share.value < 0.02  # each is closest to itself, a held-out image


def test_pale_and_averaged_images_are_no_copies(phantoms):
    held_out = np.arange(400) % 5 == 0
    fresh = phantoms[400:].astype(float)
    mean = fresh.mean((1, 2), keepdims=True)
    blended = (fresh + fresh[::-1]) / 2
    for synthetic in (mean + 0.5 * (fresh - mean), mean + 0.2 * (fresh - mean), blended):
        found = judged(
            thumbnails(synthetic.astype(np.uint8)), thumbnails(phantoms[:400]), np.arange(400).astype(str), held_out, 0
        )
        assert found.flagged.mean() <= 0.01


def test_the_limit_lets_at_most_one_percent_pass():
    distances = np.arange(1, 1001) / 1000
    assert flag_threshold(distances) == 0.010  # nine of 1000 are below it
    assert flag_threshold(distances[:99]) == 0.001  # the smallest of 99
    assert flag_threshold(distances[:98]) == 0.0005  # too few: half of the smallest
    assert flag_threshold(distances + 0.5) == 0.3  # and never more, however far apart all are


def test_the_limit_keeps_its_promise_for_fresh_images():
    rng = np.random.default_rng(0)
    for count in (30, 150, 960):
        passed = [(rng.exponential(size=500) < flag_threshold(rng.exponential(size=count))).mean() for _ in range(2000)]
        assert np.mean(passed) <= (0.0105 if count >= 99 else 0.017)


def test_images_of_one_group_do_not_make_the_limit_stricter(phantoms):
    images = phantoms[:150]
    twice, groups = np.concatenate([images, images]), np.tile(np.arange(150), 2).astype(str)
    held_out = np.tile(np.arange(150) % 5 == 0, 2)
    found = judged(thumbnails(images[~held_out[:150]]), thumbnails(twice), groups, held_out, 0)
    assert found.threshold == 0.3
    assert found.flagged.all()


def test_the_same_seed_gives_the_same_result(phantoms):
    small = thumbnails(phantoms[:60])
    held_out = np.arange(50) % 5 == 0
    first, second = (judged(small[50:], small[:50], np.arange(50).astype(str), held_out, 3) for _ in range(2))
    assert first.share == second.share
    assert np.array_equal(first.distances, second.distances)


def test_training_images_drawn_by_lot_are_no_nearer_than_the_others(phantoms):
    real, groups = thumbnails(phantoms[:400]), np.arange(400).astype(str)
    held_out = np.arange(400) % 5 == 0
    fair = judged(thumbnails(phantoms[400:]), real, groups, held_out, 0).control
    assert fair.interval[0] < 0.5 < fair.interval[1]
    copying = judged(real[~held_out][:200], real, groups, held_out, 0)
    assert copying.share.interval[0] > 0.9
    assert copying.control.interval[0] < 0.5 < copying.control.interval[1]  # it copies all of them alike


def test_pictures_that_hardly_differ_count_once(phantoms):
    small = thumbnails(phantoms[:50])
    again = thumbnails(noisy(phantoms[:50], 2, np.random.default_rng(0)))
    assert distinct_rows(np.concatenate([small, again, again[:1]]), 0.02).tolist() == list(range(50))
    real, groups, held_out = thumbnails(phantoms[100:300]), np.arange(200).astype(str), np.arange(200) % 5 == 0
    one_picture = np.concatenate([small[:1]] * 200)
    found = memorisation(one_picture, distinct_rows(one_picture, 0.02), real, groups, held_out, 0).share
    assert found.interval[0] < 0.5 < found.interval[1]
