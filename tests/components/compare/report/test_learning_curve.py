"""The learning curve of real data in the report, with what each synthetic arm is worth."""

import re

import pytest
from report_example import example_inputs, example_verdict, write_example

from components.compare.report.learning import learning_section

ARMS = ("real", "gan:120", "gan:480", "real:25%", "real:50%")


@pytest.fixture(scope="module")
def verdict(tmp_path_factory):
    return example_verdict(example_inputs(tmp_path_factory.mktemp("learning"), arms=ARMS, updates=100))[0]


def test_the_curve_runs_from_few_real_images_to_all_and_is_told_in_words(verdict):
    found = learning_section(verdict)
    assert [point["arm"] for point in found["points"]] == ["real:25%", "real:50%", "real"]
    label = re.search('aria-label="([^"]+)"', found["curve"])[1]
    for point in found["points"]:
        assert f"{point['arm']}, {point['images']:,.0f} a class, {100 * point['score']:.1f}%" in label
    assert [worth["arm"] for worth in found["worths"]] == ["gan:120", "gan:480"]
    for worth in found["worths"]:
        assert f"{worth['arm']} {100 * worth['score']:.1f}%, {worth['said']} ({worth['interval']})" in label


def test_worth_says_more_fewer_or_what_does_not_bound_it(verdict):
    one, other = verdict["real_worth"]
    changed = verdict | {
        "real_worth": [
            one | {"estimate": -40.2, "interval": [-1200.0, 30.0]},
            other | {"estimate": None, "interval": [12.0, None]},
        ]
    }
    first, second = learning_section(changed)["worths"]
    assert (first["said"], first["interval"]) == ("40 fewer", "1\u2009200 fewer to 30 more")
    assert (second["said"], second["interval"]) == ("can't be read off the curve", "12 more to no upper bound")
    both = learning_section(verdict | {"real_worth": [one | {"estimate": 3.0, "interval": [2.0, 5.0]}]})["worths"]
    assert both[0]["interval"] == "2 to 5 more"


def test_a_run_without_a_curve_has_no_such_section(verdict, tmp_path):
    without = verdict | {"arms": verdict["arms"][:3], "real_worth": []}
    assert learning_section(without) == {"curve": "", "points": [], "worths": []}


def test_the_section_stands_in_the_report(tmp_path):
    inputs = example_inputs(tmp_path, arms=ARMS, updates=100)
    write_example(tmp_path / "report.html", inputs, *example_verdict(inputs))
    page = (tmp_path / "report.html").read_text()
    assert '<section id="learning"' in page
    assert 'href="#learning"' in page
