"""The report's parts: its checklist, its summary, its tables, its way of writing numbers."""

import pytest
from classifiers_told import OWN, PRETRAINED
from report_example import Inputs, example_inputs, example_verdict

from components.compare.ledger import Change
from components.compare.report import paper
from components.compare.report import tables as report_tables
from components.compare.report import text as report_text
from components.compare.report.checklist import CLAIM, TRIPOD, checklist
from components.compare.report.ledger_section import MOST_CASES, ledger_section
from components.compare.summary import summary_markdown, summary_metrics


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[Inputs, dict]:
    classes = ("benign", "malignant", "nevus")
    inputs = example_inputs(
        tmp_path_factory.mktemp("parts"), classes, ("real", "gan:120"), test_per_class=10, replicates=2, updates=50
    )
    return inputs, example_verdict(inputs)[0]


def test_the_checklist_has_every_item_once_and_leaves_open_what_a_run_cannot_know(run):
    inputs, verdict = run
    items = checklist(verdict, inputs.data_report)
    assert [item.number for item in items if item.guideline == CLAIM] == [str(n) for n in range(1, 45)]
    tripod = [item.number for item in items if item.guideline == TRIPOD]
    assert len(tripod) == len(set(tripod)) == 52
    answers = {(item.guideline, item.number): item.answer for item in items}
    assert "malignant" in answers[CLAIM, "4"]
    for number in ("2", "14", "33", "44"):
        assert answers[CLAIM, number] == ""
    for number in ("6a", "14", "17", "26"):
        assert answers[TRIPOD, number] == ""


def test_the_checklist_tells_of_the_classifier_and_the_source_that_were_used(run):
    inputs, verdict = run

    def answers(verdict: dict) -> str:
        return " ".join(item.answer for item in checklist(verdict, inputs.data_report))

    assert "nothing pretrained" in answers(verdict)
    assert "DCGAN" in answers(verdict)
    assert "made elsewhere" not in answers(verdict)
    others = [{**arm, "arm": arm["arm"].replace("gan", "mine")} for arm in verdict["arms"]]
    text = answers({**verdict, "arms": others, "classifier": PRETRAINED})
    assert "EfficientNet-Lite0: pretrained. 3\u2009370\u2009000 weights, of which 3\u2009937 (0.1%) learn." in text
    assert "made elsewhere" in text
    for other in ("nothing pretrained", "Keras", "epoch", "GAN"):
        assert other not in text
    text = answers({**verdict, "classifier": OWN})
    assert (
        "mine.keras starts from the weights (SHA-256 ffffffffffffffff…); all of it learns. 2\u2009000 weights" in text
    )
    assert "with a new random head" in text
    for other in ("nothing pretrained", "dropout", "four convolutions"):
        assert other not in text


def test_the_summary_holds_the_answer_and_every_arm_with_its_verdict(run):
    _, verdict = run
    text = summary_markdown(verdict)
    assert verdict["notice"].split(":")[0] in text
    assert verdict["answer"].split(".")[0] in text
    rows = [line for line in text.splitlines() if line.startswith(("| real", "| gan"))]
    assert len(rows) == 2
    assert rows[0].endswith("| reference |")
    assert rows[1].endswith(f"| {verdict['arms'][1]['against_real']['verdict']} |")
    assert len({row.count("|") for row in text.splitlines() if row.startswith("|")}) == 1


def test_the_summary_takes_no_markup_from_the_names_of_the_data_set(run):
    _, verdict = run
    text = summary_markdown({**verdict, "data_set": {**verdict["data_set"], "name": "<b>|x|</b>\n# y"}})
    assert "\\<b>\\|x\\|\\</b> # y" in text.splitlines()[0]


def test_metrics_of_a_run_are_named_by_arm_and_score(tmp_path):
    inputs = example_inputs(tmp_path, arms=("real", "gan:50", "gan:50%", "traditional+gan:20"), test_per_class=10)
    verdict, _ = example_verdict(inputs)
    metrics = summary_metrics(verdict)
    assert len(metrics) == 4 * 5
    for arm, key in zip(verdict["arms"], ("real", "gan_50", "gan_50pct", "traditional_gan_20"), strict=True):
        assert metrics[f"{key}.auc"] == arm["mean"]["auc"]
    verdict["arms"][1]["mean"]["auc"] = float("nan")
    assert "gan_50.auc" not in summary_metrics(verdict)


def test_averages_of_the_classification_report_follow_from_its_rows(run):
    _, verdict = run
    arm = verdict["arms"][0]
    rows = report_tables.classification_rows(
        arm, report_tables.class_order(["benign", "malignant", "nevus"], "malignant")
    )
    assert [row.name for row in rows] == [
        "malignant",
        "benign",
        "nevus",
        "Accuracy",
        "Macro average",
        "Weighted average",
    ]
    by_class, (accuracy, macro, weighted) = rows[:3], rows[3:]
    assert macro.scores[1] == pytest.approx(arm["mean"]["balanced_accuracy"])
    assert weighted.scores[1] == pytest.approx(arm["mean"]["accuracy"])  # recalls weighted by support are the accuracy
    assert weighted.scores[0] == pytest.approx(sum(row.scores[0] * row.support for row in by_class) / accuracy.support)


def test_a_confusion_matrix_keeps_its_counts_and_marks_missed_disease():
    counts = {"a": {"a": 30.0, "b": 10.0}, "b": {"a": 5.5, "b": 4.5}}
    (bb, ba), (ab, aa) = report_tables.matrix_rows(counts, ["b", "a"], "b")
    assert (bb.count, ba.count, ab.count, aa.count) == ("4.5", "5.5", "10.0", "30.0")
    assert (bb.correct, ba.missed, ab.missed, aa.correct) == (True, True, False, True)
    assert aa.share == 0.75


def test_the_papers_sensitivity_is_its_recall_of_malignant():
    """Its tables 1, 3 and 5 print the two under each other's names."""
    assert [arm.sensitivity for arm in paper.ARMS.values()] == [0.96, 0.94, 0.86]
    assert [arm.specificity for arm in paper.ARMS.values()] == [0.66, 0.72, 0.82]
    for arm in paper.ARMS.values():
        assert arm.sensitivity == arm.per_class["malignant"][1]
        assert arm.specificity == pytest.approx(arm.per_class["benign"][1], abs=0.011)


def test_the_papers_tables_agree_with_its_confusion_matrices():
    for arm in paper.ARMS.values():
        total = sum(sum(row.values()) for row in arm.matrix.values())
        assert total == 660
        right = sum(arm.matrix[name][name] for name in arm.matrix)
        assert right / total == pytest.approx(arm.accuracy, abs=0.006)
        for name, (precision, recall, _, support) in arm.per_class.items():
            assert sum(arm.matrix[name].values()) == support
            assert arm.matrix[name][name] / support == pytest.approx(recall, abs=0.006)
            predicted = sum(row[name] for row in arm.matrix.values())
            assert arm.matrix[name][name] / predicted == pytest.approx(precision, abs=0.006)


def test_the_papers_numbers_belong_to_its_own_classes_and_arms_only(run):
    _, verdict = run
    papers = {
        "data_set": {"classes": ["benign", "malignant"], "positive_class": "malignant"},
        "arms": [{"arm": name} for name in ("real", "gan:480", "gan:120")],
    }
    assert paper.is_papers_experiment(papers)
    assert not paper.is_papers_experiment({**papers, "arms": papers["arms"][:2]})
    assert not paper.is_papers_experiment(verdict)


def test_the_ledger_is_capped_and_shows_the_pictures_there_are(run):
    inputs, _ = run
    path, made = str(inputs.test.paths[0]), str(inputs.synthetic.paths[0])
    missed = Change("gan:120", "missed disease", path, "malignant", "malignant", "benign", 0.7, 0.2, 0, 2, made, 0.1)
    gone = Change("gan:120", "false alarm", "not/there.jpg", "benign", "benign", "malignant", 0.2, 0.7, 0, 2)
    section = ledger_section([missed] + [gone] * 500, ["gan:120"], inputs.test, inputs.synthetic, replicates=2)
    shown = section["shown"]["gan:120"]
    assert len(shown) == MOST_CASES
    assert section["totals"]["gan:120"] == 501
    assert section["counts"]["gan:120"] == [1, 500]
    assert shown[0]["missed"]
    assert shown[0]["picture"].uri.startswith("data:image/png;base64,")
    assert len(shown[0]["nearest"]) == 1
    assert shown[1]["picture"] is None


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (report_text.percent(0.8412), "84.1%"),
        (report_text.percent(None), "–"),
        (report_text.number(-0.0213, 3), "−0.021"),
        (report_text.points(0.031), "+3.1"),
        (report_text.points(-0.031), "−3.1"),
        (report_text.p_value(0.0001), "< 0.001"),
        (report_text.p_value(0.0421), "0.042"),
        (report_text.count(12345), "12\u2009345"),
        (report_text.counts([3.0, 4.0]), ["3", "4"]),
        (report_text.counts([3.0, 4.25]), ["3.0", "4.2"]),
        (report_text.interval([0.812, 0.869], report_text.percent), "81.2 to 86.9%"),
        (report_text.interval(None, report_text.percent), "–"),
        (report_text.plural(1, "pair"), "1 pair"),
        (report_text.plural(0, "pair"), "0 pairs"),
        (report_text.threshold_range([0.41, 0.412]), "0.41"),
        (report_text.threshold_range([0.5, 0.41]), "0.41 to 0.50"),
    ],
)
def test_numbers_are_written_as_people_read_them(written, text):
    assert written == text
