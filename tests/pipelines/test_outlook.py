"""What a run says beforehand of the differences that it is likely to show."""

import re

import pytest
from small_run import SMALL, command


def said_of(gansweep, phantoms, tmp_path, **settings):
    words = command("--data", phantoms, "--out", tmp_path / "run", "--dry-run", **{**SMALL, **settings})[3:]
    status, said, _ = gansweep(*words)
    assert status == 0
    return said.strip().splitlines()[-1]


@pytest.fixture
def guess(gansweep, phantoms, tmp_path):
    """Return a function that gives both ends of the range, in percentage points."""

    def ends(**settings):
        line = said_of(gansweep, phantoms, tmp_path, **settings)
        return [float(end) for end in re.search(r"of some ([\d.]+) to ([\d.]+) percentage points", line).groups()]

    return ends


def test_a_range_is_guessed_from_all_that_is_known_before_a_run(guess):
    low, high = guess(replicates=10)
    assert high / low == pytest.approx(4, rel=0.05)
    assert guess(replicates=20)[0] < low
    assert guess(replicates=10, classifier="pretrained", image_size=128)[0] < low
    assert guess(replicates=10, test_folds=3)[0] < low
    # Few generators that stand for others say less than many; without synthetic images there are none to be told of.
    with_generators = guess(replicates=10, gan_replicates=3)[0]
    assert with_generators > low
    assert guess(replicates=10, gan_replicates=3, arms="real,traditional,balanced")[0] == low


def test_where_no_verdict_is_possible_it_is_said(gansweep, phantoms, tmp_path):
    line = said_of(gansweep, phantoms, tmp_path, replicates=2)
    assert line == "No verdict is possible: it takes 3 replicates and an arm besides real."
