import csv
from dataclasses import replace

import numpy as np
import verdict_inputs as inputs

from components.compare.ledger import COLUMNS, KINDS, find_changes, write_ledger

CLASSES = ("benign", "malignant")
FOUR = ("benign", "keratosis", "malignant", "vascular")


def certain(decided, classes, replicates=3):
    p = np.full((replicates, len(decided), len(classes)), 0.1 / (len(classes) - 1), dtype=np.float32)
    p[:, np.arange(len(decided)), decided] = 0.9
    return p


def changes(labels, real, arm, classes=CLASSES, name="gan:20", synthetic=None, gans=1):
    labels = np.array(labels)
    positive = classes.index("malignant")
    evaluations = [
        inputs.evaluation("real", certain(real, classes), labels, classes, positive),
        inputs.evaluation(name, certain(arm, classes), labels, classes, positive, 20 if "gan" in name else 0, gans),
    ]
    synthetic = inputs.synthetic_set(classes) if synthetic is None else synthetic
    test = inputs.image_set(labels, classes)
    return find_changes(evaluations, test, synthetic, "malignant")


def test_only_changed_diagnoses_are_listed_missed_disease_first():
    #                 same, cleared, found, false alarm, missed
    found = changes([0, 0, 1, 0, 1], [0, 1, 0, 0, 1], [0, 0, 1, 1, 0])
    assert [(change.path[-8:], change.kind) for change in found] == [
        ("0004.png", "missed disease"),
        ("0003.png", "false alarm"),
        ("0002.png", "found disease"),
        ("0001.png", "cleared"),
    ]


def test_a_change_names_what_both_said():
    (found,) = changes([0, 1], [0, 1], [0, 0])
    assert (found.arm, found.label, found.real_prediction, found.arm_prediction) == (
        "gan:20",
        "malignant",
        "malignant",
        "benign",
    )
    assert (round(found.real_probability, 3), round(found.arm_probability, 3)) == (0.9, 0.1)
    assert (found.real_wrong_replicates, found.arm_wrong_replicates) == (0, 3)


def test_beyond_two_classes_changes_that_leave_the_positive_class_alone_are_other():
    found = changes([1, 2, 2], [0, 0, 2], [1, 3, 0], FOUR)
    assert [change.kind for change in found] == ["missed disease", "other", "other"]


def test_within_a_kind_the_largest_change_of_probability_comes_first():
    labels = np.ones(3, dtype=int)
    real = np.array([[[0.4, 0.6], [0.1, 0.9], [0.3, 0.7]]], dtype=np.float32)
    arm = np.array([[[0.6, 0.4], [0.9, 0.1], [0.7, 0.3]]], dtype=np.float32)
    evaluations = [inputs.evaluation(name, p, labels, CLASSES, 1) for name, p in (("real", real), ("traditional", arm))]
    test, synthetic = inputs.image_set(labels, CLASSES), inputs.synthetic_set(CLASSES)
    found = find_changes(evaluations, test, synthetic, "malignant")
    assert [change.path[-8:] for change in found] == ["0001.png", "0002.png", "0000.png"]


def test_the_nearest_synthetic_images_are_those_the_arm_trained_on():
    synthetic = inputs.synthetic_set(CLASSES)
    test = inputs.image_set([0, 1], CLASSES)
    images = synthetic.images.copy()
    images[57] = test.images[1]  # malignant/gan-0/000007: a copy, used by gan:20
    images[80] = test.images[1]  # malignant/gan-0/000030: a copy too, but beyond the arm's first 20
    noisy = test.images[1].astype(int) + np.random.default_rng(0).integers(-20, 21, test.images[1].shape)
    images[3] = noisy.clip(0, 255)  # benign/gan-0/000003
    (found,) = changes([0, 1], [0, 1], [0, 0], synthetic=replace(synthetic, images=images))
    assert (found.nearest_1, found.nearest_1_distance) == ("malignant/gan-0/000007", 0)
    assert found.nearest_2 == "benign/gan-0/000003"
    assert 0 < found.nearest_2_distance < found.nearest_3_distance < 0.5


def test_distances_are_root_mean_squares_of_area_means():
    synthetic = inputs.synthetic_set(CLASSES, per_class=20)
    test = inputs.image_set([0, 1], CLASSES)
    (found,) = changes([0, 1], [0, 1], [0, 0], synthetic=synthetic)
    row = list(synthetic.paths).index(found.nearest_1)
    small = [
        image.reshape(16, 2, 16, 2, 3).mean(axis=(1, 3)) / 255 for image in (test.images[1], synthetic.images[row])
    ]
    assert np.isclose(found.nearest_1_distance, np.sqrt(np.mean((small[0] - small[1]) ** 2)), atol=1e-6)


def test_with_several_gans_the_images_of_each_are_looked_at():
    synthetic = inputs.synthetic_set(CLASSES, per_class=20, gans=2)
    test = inputs.image_set([0, 1], CLASSES)
    images = synthetic.images.copy()
    row = list(synthetic.paths).index("malignant/gan-1/000004")
    images[row] = test.images[1]
    synthetic = replace(synthetic, images=images)
    (found,) = changes([0, 1], [0, 1], [0, 0], synthetic=synthetic, gans=2)
    assert found.nearest_1 == "malignant/gan-1/000004"


def test_draws_of_a_source_may_have_different_numbers_of_images():
    synthetic = inputs.synthetic_set(CLASSES, per_class=20, gans=2)
    kept = np.array([not path.endswith(("8", "9")) for path in synthetic.paths]) | (synthetic.groups == "gan-0")
    names = np.array([name.replace("gan", "diffusion") for name in synthetic.groups])
    smaller = replace(synthetic, groups=names).subset(kept)
    labels = np.array([0, 1])
    real = inputs.evaluation("real", certain([0, 1], CLASSES), labels, CLASSES, 1)
    arm = inputs.evaluation("diffusion:all", certain([0, 0], CLASSES), labels, CLASSES, 1, 20, 2)
    for trained in arm.replicates:
        trained["generator"] = trained["generator"].replace("gan", "diffusion")
    (found,) = find_changes([real, arm], inputs.image_set(labels, CLASSES), smaller, "malignant")
    assert found.nearest_3 != ""


def test_an_arm_without_synthetic_images_has_none_near():
    (found,) = changes([0, 1], [0, 1], [0, 0], name="traditional")
    assert found.nearest_1 == ""
    assert found.nearest_1_distance is None


def test_the_ledger_is_a_table_with_one_row_a_change(tmp_path):
    found = changes([0, 0, 1], [0, 1, 1], [1, 0, 0])
    write_ledger(tmp_path / "ledger.csv", found)
    with (tmp_path / "ledger.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["kind"] for row in rows] == [change.kind for change in found]
    assert all(row["kind"] in KINDS for row in rows)
    assert float(rows[0]["nearest_1_distance"]) == found[0].nearest_1_distance


def test_a_ledger_without_changes_still_has_its_header(tmp_path):
    write_ledger(tmp_path / "ledger.csv", changes([0, 1], [0, 1], [0, 1]))
    assert (tmp_path / "ledger.csv").read_text().strip() == ",".join(COLUMNS)


def test_no_name_in_the_ledger_is_a_formula_for_a_spreadsheet(tmp_path):
    classes = ("=HYPERLINK(0)", "malignant")
    write_ledger(tmp_path / "ledger.csv", changes([0, 0, 1], [0, 1, 1], [1, 0, 0], classes))
    with (tmp_path / "ledger.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'=HYPERLINK(0)" in cells
    assert not [cell for cell in cells if cell.startswith("=")]
