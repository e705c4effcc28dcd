import pytest

from components.compare.statistics.planning import smallest_difference


def planned(positives=300, others=360, replicates=10, generators=1, rivals=2, endpoint="balanced_accuracy", **more):
    about = {"learnt": 2637, "heads": False} | more
    return smallest_difference(positives, others, replicates, generators, rivals, 0.95, endpoint, **about)


def test_more_of_anything_shows_smaller_differences_and_more_arms_larger_ones():
    usual = planned()
    assert planned(positives=3000, others=3600) < usual < planned(positives=30)
    assert planned(replicates=20) < usual < planned(replicates=3)
    assert usual < planned(rivals=9)
    assert planned(generators=5) < planned(generators=3)
    assert planned(endpoint="auc") < usual
    assert planned(learnt=26370) < usual < planned(learnt=263)
    assert planned(heads=True) < usual


def test_four_points_are_within_reach_on_660_images_with_ten_replicates():
    assert 0.01 < planned() < 0.04


@pytest.mark.parametrize("sizes", [{"replicates": 2}, {"rivals": 0}])
def test_where_there_is_no_verdict_there_is_no_smallest_difference(sizes):
    assert planned(**sizes) is None
