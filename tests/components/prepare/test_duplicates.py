import numpy as np
import pytest
from picture_files import picture
from PIL import Image

from components.contracts.errors import InputError
from components.prepare import duplicates
from components.prepare.duplicates import correlations, exact_duplicates, near_duplicates, turned


def thumbnail(image: Image.Image) -> np.ndarray:
    return np.asarray(image.resize((32, 32), Image.Resampling.LANCZOS))


def brute_force(thumbnails: np.ndarray, threshold: float) -> dict[tuple[int, int], float]:
    """All pairs by their definition, in float64."""
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float64)
    best = np.full((len(flat), len(flat)), -1.0)
    for turn in range(4):
        for flip in (False, True):
            other = np.rot90(thumbnails[:, ::-1] if flip else thumbnails, turn, (1, 2)).reshape(len(flat), -1)
            best = np.maximum(best, np.corrcoef(flat, other.astype(np.float64))[: len(flat), len(flat) :])
    first, second = np.nonzero(np.triu(best > threshold, 1))
    return {(int(i), int(j)): best[i, j] for i, j in zip(first, second, strict=True)}


def found(thumbnails: np.ndarray, threshold: float, threads: int = 1) -> dict[tuple[int, int], float]:
    pairs = near_duplicates(thumbnails, threshold, threads)
    return {(int(i), int(j)): float(c) for i, j, c in zip(pairs.first, pairs.second, pairs.correlation, strict=True)}


def exact_pairs(thumbnails: np.ndarray, threshold: float, first: int) -> dict[tuple[int, int], float]:
    """All pairs, one of each among the `first`, compared in exact integers: to the bit what must be found."""
    one, other = np.triu_indices(len(thumbnails), 1)
    one, other = one[one < first], other[one < first]
    best = np.max([correlations(turned(thumbnails, turn)[one], thumbnails[other]) for turn in range(8)], axis=0)
    passed = best > threshold
    return {(int(i), int(j)): float(c) for i, j, c in zip(one[passed], other[passed], best[passed], strict=True)}


def awkward_thumbnails() -> np.ndarray:
    """Pictures that bounds may stumble over: flat, hardly not flat, symmetric, single waves, copies, noise."""
    rng = np.random.default_rng(4)
    flat = np.full((3, 32, 32, 3), 77, np.uint8)
    nearly = flat.copy()
    nearly[0, 0, 0, 0], nearly[1, 0, 31, 0], nearly[2, 5, 9] = 78, 76, 80
    scene = varied_thumbnails(1)
    scenes = np.clip(scene + rng.integers(-3, 4, (6, 32, 32, 3)), 0, 255).astype(np.uint8)
    symmetric = np.concatenate([turned(scene, turn) for turn in range(8)]).mean(0, dtype=float).astype(np.uint8)[None]
    at = np.cos(np.pi * (np.arange(32) + 0.5) * np.arange(5)[:, None] / 32)
    waves = [128 + 100 * np.outer(at[i], at[j])[..., None] * [1, 0.3, -0.5] for i in range(5) for j in range(5)]
    noise = rng.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    plain = [flat, nearly, scenes, symmetric, np.array(waves).astype(np.uint8), noise, rng.integers(0, 2, noise.shape)]
    copies = [turned(scenes[:1], 5), turned(noise[:1], 3), turned(nearly[2:], 6), scene, scene]
    return np.concatenate([*plain, *copies]).astype(np.uint8)


def varied_thumbnails(count: int) -> np.ndarray:
    """Skin-like thumbnails that correlate highly, with flipped, turned and noisy copies among them."""
    rng = np.random.default_rng(3)
    thumbnails = []
    for i in range(count):
        smooth = np.asarray(picture(i, 32, 32)).astype(float)
        thumbnails.append([190, 140, 120] + 0.4 * (smooth - 128) + rng.normal(0, 3, (32, 32, 3)))
    for i in range(count // 4):
        copy = turned(np.array(thumbnails[i : i + 1]), i % 8)[0]
        thumbnails.append(copy + rng.normal(0, 1 + i, copy.shape))
    return np.clip(thumbnails, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("threshold", [0.8, 0.9, 0.95, 0.99])
def test_the_search_finds_exactly_what_brute_force_finds(threshold, monkeypatch):
    monkeypatch.setattr(duplicates, "_ROWS", 16)  # many tiles, with ragged ends
    monkeypatch.setattr(duplicates, "_COLUMNS", 20)
    monkeypatch.setattr(duplicates, "_PANEL", 48)
    thumbnails = varied_thumbnails(64)
    expected = brute_force(thumbnails, threshold)
    result = found(thumbnails, threshold)
    assert len(expected) >= 5
    assert result.keys() == expected.keys()
    assert all(abs(result[pair] - expected[pair]) < 1e-12 for pair in expected)


def test_the_prefilter_never_falls_below_the_correlation():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (60, 32, 32, 3), dtype=np.uint8)
    thumbnails = np.concatenate([varied_thumbnails(60), noise, np.clip(noise // 64 + 100, 0, 255)])
    units = duplicates._units(thumbnails)
    signatures = duplicates._signatures(units)
    bounds = signatures @ signatures.T
    flat = units.reshape(len(units), -1).astype(np.float64)
    assert (bounds - flat @ flat.T).min() > -duplicates._ROUNDING / 10


@pytest.mark.parametrize("threshold", [0.9, 0.99, 0.9999])
@pytest.mark.parametrize("first", [12, 49])
def test_awkward_pictures_give_the_same_pairs_to_the_bit(threshold, first):
    thumbnails = awkward_thumbnails()
    expected = exact_pairs(thumbnails, threshold, first)
    pairs = near_duplicates(thumbnails, threshold, first=first)
    assert len(expected) >= 2
    assert dict(zip(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True), pairs.correlation, strict=True)) == (
        expected
    )


def test_a_pair_at_the_threshold_itself_is_none():
    thumbnails = varied_thumbnails(24)
    for pair, correlation in found(thumbnails, 0.9).items():
        assert pair not in found(thumbnails, correlation)
        assert pair in found(thumbnails, np.nextafter(correlation, 0))


def test_a_sketch_is_the_same_in_all_orientations_and_never_falls_below_a_correlation():
    thumbnails = np.concatenate([awkward_thumbnails(), varied_thumbnails(30)])
    units = duplicates._units(thumbnails)
    flat = units.reshape(len(units), -1).astype(np.float64)
    sketches = duplicates._sketches(duplicates._signatures(units))
    for turn in range(8):
        other = turned(units, turn)
        assert np.allclose(duplicates._sketches(duplicates._signatures(other)), sketches, atol=1e-5)
        below = sketches @ sketches.T - flat @ other.reshape(len(other), -1).T
        assert below.min() > -duplicates._ROUNDING / 10


@pytest.mark.parametrize("turn", range(8))
def test_a_flipped_or_turned_copy_is_found(turn):
    thumbnails = np.stack([thumbnail(picture(seed)) for seed in range(6)])
    thumbnails = np.concatenate([thumbnails, turned(thumbnails[2:3], turn)])
    assert found(thumbnails, 0.99) == {(2, 6): pytest.approx(1)}


def test_the_eight_turns_are_all_different():
    assert len({turned(thumbnail(picture(0))[None], turn).tobytes() for turn in range(8)}) == 8


def test_pairs_come_worst_first_whatever_the_number_of_threads():
    thumbnails = varied_thumbnails(80)
    one, two = near_duplicates(thumbnails, 0.9, 1), near_duplicates(thumbnails, 0.9, 2)
    assert (np.diff(one.correlation) <= 0).all()
    assert all(np.array_equal(a, b) for a, b in zip(one.columns, two.columns, strict=True))


def test_pictures_of_one_colour_pair_with_nothing():
    thumbnails = np.concatenate([np.full((3, 32, 32, 3), 77, np.uint8), np.zeros((2, 32, 32, 3), np.uint8)])
    assert found(thumbnails, 0.5) == {}
    assert correlations(thumbnails[:1], thumbnails[1:2]).tolist() == [0.0]


def test_brightness_and_contrast_do_not_hide_a_copy():
    original = thumbnail(picture(0))
    darker = (original * 0.6 + 20).astype(np.uint8)
    assert found(np.stack([original, darker]), 0.99)


def test_nothing_is_found_among_no_or_one_picture():
    assert found(np.empty((0, 32, 32, 3), np.uint8), 0.99) == {}
    assert found(thumbnail(picture(0))[None], 0.99) == {}


def test_a_threshold_that_everything_passes_is_refused(monkeypatch):
    monkeypatch.setattr(duplicates, "MOST_PAIRS", 100)
    with pytest.raises(InputError, match=r"^near_duplicate_correlation: 0.1 is passed by more than 100 pairs"):
        near_duplicates(varied_thumbnails(40), 0.1)


def test_exact_duplicates_pair_the_first_copy_with_each_other_one():
    pairs = exact_duplicates(np.array(["b", "a", "b", "c", "a", "b"]))
    assert sorted(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [(0, 2), (0, 5), (1, 4)]
    assert pairs.correlation.tolist() == [1, 1, 1]
    assert len(exact_duplicates(np.array(["a", "b"]))) == 0
