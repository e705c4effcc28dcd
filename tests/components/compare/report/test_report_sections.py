"""Sections that not every report has: external test sets, on the first screen and by themselves, and smaller GANs."""

from html import escape

import pytest
from report_example import example_inputs, example_verdict, write_example

from components.compare.report.checklist import CLAIM, checklist
from components.compare.summary import summary_markdown


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("external")
    classes = ("benign", "malignant", "keratosis")
    inputs = example_inputs(
        folder, classes, ("real", "gan:120"), test_per_class=12, replicates=3, updates=50, external_per_class=15
    )
    verdict, ledger = example_verdict(inputs)
    write_example(folder / "report.html", inputs, verdict, ledger)
    return inputs, verdict, (folder / "report.html").read_text()


def test_the_first_screen_says_what_holds_elsewhere(run):
    _, verdict, text = run
    start = text[: text.index("How each verdict came about")]
    assert len(verdict["external_test_sets"]) == 2
    for one in verdict["external_test_sets"]:
        assert escape(one["answer"], quote=False) in start.replace("&#39;", "'")


def test_each_set_has_a_table_of_its_own(run):
    _, verdict, text = run
    section = text[text.index('<section id="external"') :]
    section = section[: section.index("</section>")]
    assert '<a href="#external">External test sets</a>' in text
    for one in verdict["external_test_sets"]:
        assert f'aria-label="The arms on {one["name"]}"' in section
        for arm in one["arms"]:
            low, high = arm["intervals"]["auc"]
            assert f"{low:.3f} to {high:.3f}" in section
    assert "It has no images of keratosis: means over the classes leave it out." in section
    assert (
        "7 images in groups that the data set has too (4 like development, 2 like test images) were left out" in section
    )
    assert "correlation 0.9950: x/1.jpg | y/2.jpg" in section
    assert "Drawn as well." in section


def test_the_checklist_and_the_summary_tell_of_them(run):
    inputs, verdict, _ = run
    answers = {(item.guideline, item.number): item.answer for item in checklist(verdict, inputs.data_report)}
    assert answers[CLAIM, "33"].startswith("hospital_b: 45 images; archive: 30 images. 14 images in groups")
    assert "On hospital\\_b (45 images)" in summary_markdown(verdict)


def test_without_any_nothing_is_said_of_them(run, tmp_path):
    inputs = example_inputs(tmp_path, arms=("real", "traditional"), test_per_class=10, replicates=1)
    verdict, ledger = example_verdict(inputs)
    write_example(tmp_path / "report.html", inputs, verdict, ledger)
    assert "External test set" not in (tmp_path / "report.html").read_text()
    answers = {(item.guideline, item.number): item.answer for item in checklist(verdict, inputs.data_report)}
    assert answers[CLAIM, "33"] == ""


def test_a_gan_that_draws_smaller_pictures_than_the_classifiers_take_is_said_to(tmp_path):
    inputs = example_inputs(tmp_path, arms=("real", "gan:120"), test_per_class=10, replicates=1, updates=50)
    verdict, ledger = example_verdict(inputs)
    write_example(tmp_path / "same.html", inputs, verdict, ledger)
    assert "scaled up" not in (tmp_path / "same.html").read_text()
    verdict["parameters"] |= {"image_size": 96, "gan_size": 32}
    write_example(tmp_path / "larger.html", inputs, verdict, ledger)
    text = (tmp_path / "larger.html").read_text()
    assert "They draw pictures of 32 x 32 pixels, which are scaled up to the 96 x 96 of the classifiers" in text
    assert "pictures of 32 x 32, scaled up to 96 x 96" in text
