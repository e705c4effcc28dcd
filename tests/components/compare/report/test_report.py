"""The report as a file: what it shows, that it is self-contained, small, well-formed and the same every time."""

import base64
import copy
import hashlib
import re
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_example import NOTICE, Inputs, example_inputs, example_verdict, write_example

from components.contracts.errors import InputError

VOID = {"meta", "link", "img", "br", "path", "use"}


class Page(HTMLParser):
    """The elements of a page in order, each with its attributes and all text inside it; checks the nesting."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(text)
        assert not self.open, f"left open: {[tag for tag, _, _ in self.open]}"

    def handle_starttag(self, tag, attrs):
        element = (tag, dict(attrs), [])
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for _, _, text in self.open:
            text.append(data)

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [
            (attributes, " ".join("".join(text).split())) for name, attributes, text in self.elements if name == tag
        ]


def write(path: Path, inputs: Inputs, verdict: dict, ledger: list) -> str:
    write_example(path, inputs, verdict, ledger)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The paper's experiment on phantoms: inputs, verdict, ledger and the written report."""
    folder = tmp_path_factory.mktemp("paper")
    inputs = example_inputs(folder)
    verdict, ledger = example_verdict(inputs)
    return inputs, verdict, ledger, write(folder / "report.html", inputs, verdict, ledger)


@pytest.fixture(scope="module")
def page(run):
    return Page(run[-1])


def test_the_first_screen_holds_name_notice_answer_arms_and_forest(run, page):
    _, verdict, _, text = run
    end = text.index("How each verdict came about")
    start = text[:end]
    assert f"<h1>{verdict['data_set']['name']}</h1>" in start
    assert NOTICE in start
    assert escape(verdict["answer"]) in start
    assert 'aria-label="Balanced accuracy, difference to real' in start
    assert 'aria-label="Sensitivity at equal false alarms, difference to real' in start
    for arm in verdict["arms"]:
        assert f"{100 * arm['mean']['accuracy']:.1f}%" in start
        low, high = arm["intervals"]["auc"]
        assert f"{low:.3f} to {high:.3f}" in start
        assert (arm["against_real"]["verdict"] if arm["against_real"] else "reference") in start


def test_how_the_data_were_understood_and_what_deserves_a_look_stands_with_the_data(run):
    text = run[3]
    assert "<p>data set: 3 files</p>" in text
    assert "<li>look &lt;b&gt;here&lt;/b&gt;</li>" in text


def test_it_needs_nothing_from_outside_and_allows_its_own_script_alone(run, page):
    text = run[-1]
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    assert f'content="{policy}"' in text
    outside = [
        value
        for _, attributes, _ in page.elements
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "srcset", "action") and not (value or "").startswith(("#", "data:"))
    ]
    assert outside == []
    assert not re.search(r"@import|url\((?!#)", text)


def test_the_same_inputs_give_the_same_bytes(run, tmp_path):
    inputs, verdict, ledger, text = run
    assert write(tmp_path / "again.html", inputs, copy.deepcopy(verdict), list(ledger)) == text


def test_ids_are_unique_and_every_reference_finds_its_target(page):
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = [
        value[1:]
        for _, attributes, _ in page.elements
        for name, value in attributes.items()
        if name in ("href", "xlink:href") and value and value.startswith("#")
    ]
    wanted += re.findall(r"url\(#([^)]+)\)", str(page.elements))
    wanted += [attributes["aria-labelledby"] for _, attributes, _ in page.elements if "aria-labelledby" in attributes]
    assert set(wanted) <= set(ids)


def test_headings_do_not_skip_a_level(page):
    levels = [int(tag[1]) for tag, _, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_tables_have_captions_and_scoped_headers_and_pictures_have_words(page):
    assert len(page.all("caption")) == len(page.all("table")) > 10
    assert all(words for _, words in page.all("caption"))
    assert all("scope" in attributes for attributes, _ in page.all("th"))
    assert all(attributes.get("alt") for attributes, _ in page.all("img"))
    assert all(attributes.get("role") == "img" and attributes.get("aria-label") for attributes, _ in page.all("svg"))


def test_every_row_of_a_table_is_as_wide_as_the_others(run):
    for table in re.findall(r"<table.*?</table>", run[-1], re.DOTALL):
        widths, waiting = [], 0
        for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL):
            cells = re.findall(r"<t[hd]\b([^>]*)>", row)
            spans = [int(span[0]) if (span := re.findall(r'colspan="(\d+)"', cell)) else 1 for cell in cells]
            widths.append(sum(spans) + waiting)
            waiting = sum('rowspan="2"' in cell for cell in cells)
        assert len(set(widths)) == 1, (widths, re.findall("<caption>.*?</caption>", table))


def test_the_papers_numbers_stand_beside_a_run_of_its_arms(run, page):
    captions = [words for _, words in page.all("caption")]
    assert "Confusion matrix: the paper (accuracy 84.0%)" in captions
    assert "The paper, Tables 3 and 4" in [words for _, words in page.all("th")]
    assert "The paper calls the recall of benign sensitivity" in run[-1]
    specificity, sensitivity = (
        f'>{name}</th>.*beside-run">([0-9.]+)<' for name in ("Specificity", r"Sensitivity \(\w+\)")
    )
    assert re.findall(specificity, run[-1]) == ["0.66", "0.72", "0.82"]
    assert re.findall(sensitivity, run[-1]) == ["0.96", "0.94", "0.86"]


def test_the_papers_numbers_stay_away_from_other_experiments(tmp_path):
    inputs = example_inputs(tmp_path, arms=("real", "gan:120"), test_per_class=10, replicates=1, updates=50)
    verdict, ledger = example_verdict(inputs)
    assert "The paper, Tables" not in write(tmp_path / "report.html", inputs, verdict, ledger)


def test_the_classification_report_has_the_papers_rows_with_the_positive_class_first(page):
    rows = [words for attributes, words in page.all("th") if attributes["scope"] == "row"]
    start = rows.index("malignant")
    wanted = ["malignant", "benign", "Accuracy", "Macro average", "Weighted average", "Specificity"]
    assert rows[start : start + 7] == [*wanted, "Sensitivity (malignant)"]


def test_the_ledger_shows_missed_disease_first_and_says_how_many_more_there_are(run):
    _, _, ledger, text = run
    section = text[text.index('id="ledger"') :]
    kinds = re.findall(r"<p><b>([a-z ]+)</b></p>", section)
    assert kinds == [change.kind for arm in ("gan:120", "gan:480") for change in ledger if change.arm == arm]
    assert section.count('<li class="case missed">') == kinds.count("missed disease")


def test_names_from_the_data_set_cannot_break_out_of_the_page(tmp_path):
    nasty = '<script>alert("1")</script>'
    classes = ("benign", '"><img src=x onerror=1>')
    inputs = example_inputs(
        tmp_path, classes, ("real", "gan:120"), classes[1], test_per_class=8, replicates=1, updates=50, name=nasty
    )
    verdict, ledger = example_verdict(inputs)
    text = write(tmp_path / "report.html", inputs, verdict, ledger)
    Page(text)
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_what_a_run_has_not_is_left_out(tmp_path):
    inputs = example_inputs(tmp_path, arms=("real", "traditional"), test_per_class=10, replicates=1)
    verdict, _ = example_verdict(inputs)
    text = write(tmp_path / "report.html", inputs, {**verdict, "notice": ""}, [])
    for part in ('id="gans"', 'id="quality"', 'href="#gans"', 'id="dose"', 'role="note"'):
        assert part not in text
    assert "No arm changes the diagnosis" in text


def test_subgroups_have_a_table_with_counts_and_differences(run, page):
    _, verdict, _, _ = run
    (section,) = [text for attributes, text in page.all("section") if attributes.get("id") == "subgroups"]
    [column] = verdict["subgroups"]["columns"]
    assert f"{column['unknown']} test images have no value here" in section
    for value in column["values"]:
        assert f"{value['value']} {value['images']} images, {value['positives']} malignant" in section
        for arm in value["arms"][1:]:
            estimate = arm["against_real"]["auc"]["estimate"]
            assert f"{100 * estimate:+.1f}".replace("-", "−") in section


def test_many_classes_have_a_matrix_each_arm_and_a_long_ledger_says_what_it_leaves_out(tmp_path):
    classes = (*(f"class {i}" for i in range(5)), "malignant")
    inputs = example_inputs(tmp_path, classes, ("real", "gan:120"), test_per_class=12, replicates=1, updates=50)
    verdict, ledger = example_verdict(inputs)
    text = write(tmp_path / "report.html", inputs, verdict, ledger * 30)
    matrices = [attributes for attributes, _ in Page(text).all("table") if "matrix" in (attributes.get("class") or "")]
    assert [attributes["class"] for attributes in matrices] == ["matrix many"] * 2
    assert f"{30 * len(ledger) - 120} more of gan:120 stand in ledger.csv." in text
    assert "AUC, mean of all classes" in text


def test_a_run_of_one_arm_has_no_comparison(tmp_path):
    inputs = example_inputs(tmp_path, arms=("real",), test_per_class=10, replicates=1)
    verdict, ledger = example_verdict(inputs)
    text = write(tmp_path / "report.html", inputs, verdict, ledger)
    assert "difference to real" not in text
    assert escape(verdict["answer"]) in text


def test_the_report_of_the_isic_sets_size_stays_under_6_mb(tmp_path):
    arms = ("real", "traditional", "gan:120", "gan:480", "traditional+gan:480")
    inputs = example_inputs(tmp_path, arms=arms, test_per_class=330, replicates=5, updates=4000, size=64)
    verdict, ledger = example_verdict(inputs)
    write(tmp_path / "report.html", inputs, verdict, ledger)
    assert (tmp_path / "report.html").stat().st_size < 6_000_000


def test_a_broken_table_of_losses_is_named(run, tmp_path):
    inputs = example_inputs(tmp_path, arms=("real", "gan:120"), test_per_class=8, replicates=1, updates=50)
    verdict, ledger = example_verdict(inputs)
    (inputs.synthetic_report / "gans" / "benign-0" / "losses.csv").write_text(
        "update,loss_d\n1,abc\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match=r"benign-0/losses.csv: not a table of losses"):
        write(tmp_path / "report.html", inputs, verdict, ledger)
    assert not (tmp_path / "report.html").exists()
