import numpy as np
import pytest

from components.audit import neighbours
from components.audit.neighbours import density_coverage, precision_recall


def test_all_four_are_perfect_for_a_set_against_itself():
    features = np.random.default_rng(0).normal(size=(100, 4))
    assert precision_recall(features, features) == (1, 1)
    density, coverage = density_coverage(features, features)
    assert coverage == 1
    assert density == pytest.approx(1.2)  # each of k + 1 = 6 balls on average holds a point: its own is one


@pytest.mark.parametrize("features", [6, 1280])
@pytest.mark.parametrize("place", [0, 100])
def test_identical_features_lie_in_each_others_balls(features, place):
    # Ten copies of each: the radii are 0, so that nothing but the very same features lies inside.
    rng = np.random.default_rng([features, place])
    real = np.repeat(rng.normal(size=(30, features)) + place, 10, axis=0)
    same = rng.permutation(real)
    assert precision_recall(real, same) == (1, 1)
    assert density_coverage(real, same) == (2, 1)  # each point lies in ten balls, of five neighbours
    assert density_coverage(real, same + 1e-3) == (0, 0)


def test_all_four_are_nothing_for_sets_far_apart():
    rng = np.random.default_rng(1)
    near, far = rng.normal(size=(50, 3)), rng.normal(size=(50, 3)) + 100
    assert precision_recall(near, far) == (0, 0)
    assert density_coverage(near, far) == (0, 0)


def test_a_lost_mode_costs_recall_and_coverage_and_not_precision():
    rng = np.random.default_rng(2)
    modes = rng.normal(size=(200, 2)) + np.repeat([[0, 0], [50, 0]], 100, axis=0)
    half = rng.normal(size=(200, 2))
    precision, recall = precision_recall(modes, half)
    density, coverage = density_coverage(modes, half)
    assert precision > 0.9
    assert recall == pytest.approx(0.5, abs=0.06)
    assert coverage == pytest.approx(0.5, abs=0.06)
    assert density > 0.9


def test_stray_synthetic_images_cost_precision_and_not_recall():
    rng = np.random.default_rng(3)
    real, synthetic = rng.normal(size=(200, 2)), rng.normal(size=(200, 2))
    synthetic[:50] += 50 * np.arange(1, 51)[:, None]
    precision, recall = precision_recall(real, synthetic)
    assert precision == pytest.approx(0.75, abs=0.05)
    assert recall > 0.9


def test_an_outlier_among_the_real_images_hardly_raises_the_density():
    rng = np.random.default_rng(4)
    real, synthetic = rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) + [20, 0]
    real[0] = [40, 0]  # its ball reaches over all synthetic ones
    assert precision_recall(real, synthetic)[0] == 1
    assert density_coverage(real, synthetic)[0] == pytest.approx(0.2)


def test_each_ball_reaches_to_the_kth_neighbour():
    real = np.array([[0.0], [1], [3], [6], [10]])  # the third neighbours are 6, 5, 3, 5 and 9 away
    just_in_or_out = np.array([[-6.0], [-6.1], [19.0], [19.1]])
    assert precision_recall(real, just_in_or_out)[0] == 0.5


@pytest.mark.parametrize(("n", "m", "d"), [(60, 60, 3), (80, 50, 16)])
def test_all_four_agree_with_the_authors_package(n, m, d, monkeypatch):
    prdc = pytest.importorskip("prdc.prdc", reason="needs prdc")
    monkeypatch.setattr(neighbours, "PRECISION_NEIGHBOURS", 5)
    rng = np.random.default_rng([n, m, d])
    real, synthetic = rng.normal(size=(n, d)), rng.normal(size=(m, d)) * 0.8 + 0.3
    theirs = prdc.compute_prdc(real, synthetic, nearest_k=5)
    assert precision_recall(real, synthetic) == pytest.approx((theirs["precision"], theirs["recall"]))
    assert density_coverage(real, synthetic) == pytest.approx((theirs["density"], theirs["coverage"]))


def test_small_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(5)
    real, synthetic = rng.normal(size=(300, 4)), rng.normal(size=(200, 4))
    whole = precision_recall(real, synthetic), density_coverage(real, synthetic)
    monkeypatch.setattr(neighbours, "CHUNK_VALUES", 1000)
    assert (precision_recall(real, synthetic), density_coverage(real, synthetic)) == whole
