"""`--replicates auto`: how many trainings are enough, by variances alone."""

import pytest

from components.contracts.errors import InputError
from pipelines.sweep.replicates import enough_replicates, pilot_parameters, training_seconds


def pilot(trainings, images=0.01, replicates=5, folds=1):
    """Return the verdict of a pilot with a rival for each standard deviation of `trainings`; nothing else is in it."""
    arms = [{"against_real": {"spread": {"trainings": each, "images": images}}} for each in trainings]
    return {
        "parameters": {"replicates": replicates, "test_folds": folds},
        "arms": [{"against_real": None}, *arms],
    }


def test_trainings_are_added_until_they_bring_a_quarter_of_the_variance_of_the_test_images():
    count, why = enough_replicates([pilot([0.004, 0.01])], 10, most=100, minutes=1000)
    assert count == 20  # as much as the images with 5: a quarter with 20
    assert "at most 100% of the variance" in why
    assert "with 20 it is about 25% (25% is wanted)" in why


def test_a_pilot_that_varies_little_is_enough():
    assert enough_replicates([pilot([0.002])], 10, most=100, minutes=1000)[0] == 5
    assert enough_replicates([pilot([0.0], images=0.0)], 10, most=100, minutes=1000)[0] == 5


def test_arms_that_are_split_over_runs_count_together():
    assert enough_replicates([pilot([0.002]), pilot([0.01])], 10, most=100, minutes=1000)[0] == 20


def test_the_ceiling_and_the_minutes_are_kept_and_said():
    count, why = enough_replicates([pilot([0.02])], 10, most=30, minutes=1000)
    assert (count, "; more than 30 are not allowed)" in why) == (30, True)
    count, why = enough_replicates([pilot([0.02])], 300, most=100, minutes=24)  # a minute a replicate
    assert (count, "; more do not fit into 24 minutes of training)" in why) == (24, True)
    assert enough_replicates([pilot([0.02], folds=3)], 300, most=100, minutes=24)[0] == 8
    assert enough_replicates([pilot([0.02])], 300, most=100, minutes=1)[0] == 5


def test_each_generator_of_a_pilot_has_two_trainings():
    assert pilot_parameters({"gan_replicates": 1, "seed": 4}) == {"gan_replicates": 1, "seed": 4, "replicates": 5}
    assert pilot_parameters({"gan_replicates": 4})["replicates"] == 8


def test_the_time_of_a_pilot_is_that_of_all_its_trainings(finished, tmp_path):
    assert training_seconds(finished[0]) > 0
    with pytest.raises(InputError, match="no trainings are there"):
        training_seconds(tmp_path)
