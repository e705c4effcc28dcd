"""The small form of `make calibrate`: the rule against experiments whose truth is known."""

import pytest

from tests.calibration.__main__ import false_verdicts, power
from tests.calibration.worlds import Size

TRIALS = 60  # with a true rate of 5%, 9 or more false verdicts have a chance of 0.3%


@pytest.mark.parametrize(
    "name",
    [
        "3 replicates",
        "3 generators, luck among them",
        "rare class: 20 of 660",
        "nearly perfect, 3 replicates",
        "5 test folds, 3 replicates",
        "5 test folds of 2 generators, luck among them",
    ],
)
def test_false_verdicts_stay_rare(name):
    assert max(false_verdicts(name, TRIALS).values()) <= 8


def test_two_replicates_never_give_a_verdict():
    assert set(false_verdicts("2 replicates", 10).values()) == {0}


def test_four_points_on_660_images_are_seen_with_ten_replicates():
    assert min(power(0.04, Size(replicates=10), 30).values()) >= 20
