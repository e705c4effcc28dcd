"""Labels and splits that a table gives, where folders do not say them or it counts more."""

import pytest
from described_images import CLASSES, IMAGES, PATHS, table

from components.data_set.checks import check_classes

# Labels from the table: no folder is a class.
LABELLED = {
    "one folder": [f"images/{s}.jpg" for _, s, *_ in IMAGES],
    "no folder": [f"{s}.jpg" for _, s, *_ in IMAGES],
    "parts": [f"HAM10000_images_part_{1 + i % 2}/{s}.jpg" for _, s, _, _, i in IMAGES],
    "nih": [f"images_00{1 + i % 2}/images/{s}.jpg" for _, s, _, _, i in IMAGES],
    "splits": [f"{'test' if i % 4 == 0 else 'train'}/{s}.jpg" for _, s, _, _, i in IMAGES],
}


@pytest.mark.parametrize("kind", LABELLED)
def test_labels_come_from_the_table_where_folders_are_no_classes(described, kind):
    data_set = described(LABELLED[kind], table("image_id,dx", [(s, c) for c, s, *_ in IMAGES]))
    assert data_set.classes == CLASSES
    assert [data_set.count(name, "train", "test", "") for name in CLASSES] == [20, 20]
    assert data_set.has_test_folder == (kind == "splits")
    assert "classes by the table" in data_set.understood()[0]


def test_numbered_folders_that_may_be_classes_stay_classes(described):
    paths = [f"grade_{1 + i % 2}/{s}.jpg" for _, s, _, _, i in IMAGES]
    data_set = described(paths, table("image,diagnosis,patient", [(s, c, p) for c, s, p, _, _ in IMAGES]))
    assert data_set.classes == ("grade_1", "grade_2")
    assert "column diagnosis is not used" in data_set.warnings[0]


def test_columns_of_zeros_and_ones_are_labels(described):
    rows = [(s, int(c == "malignant") * 1.0, int(c == "benign") * 1.0, 0.0) for c, s, *_ in IMAGES]
    rows[3] = (*rows[3][:1], 1.0, 1.0, 0.0)
    rows[4] = (*rows[4][:1], 0.0, 0.0, 0.0)
    data_set = described(LABELLED["one folder"], table("image,MEL,NV,UNK", rows))
    assert data_set.classes == ("MEL", "NV")
    assert data_set.table.columns["label"] == ["MEL", "NV", "UNK"]
    assert data_set.warnings == (
        "table: left out 1 image without a label: images/ISIC_0000004.jpg",
        "table: left out 1 image with several labels: MEL and NV (1)",
    )


def test_images_of_several_labels_or_none_are_left_out_and_told(described):
    labels = ["Mass", "Effusion|Mass", "No Finding", ""]
    rows = [(f"{s}.jpg", labels[i % 4], p) for _, s, p, _, i in IMAGES]
    data_set = described(LABELLED["nih"], table("Image Index,Finding Labels,Patient ID", rows))
    assert data_set.classes == ("Mass", "No Finding")
    assert len(data_set.files) == 20
    assert data_set.warnings[0].startswith("table: left out 10 images without a label: images_002/images/ISIC_")
    assert data_set.warnings[1] == "table: left out 10 images with several labels: Effusion and Mass (10)"


def test_images_without_a_row_have_no_label(described, refused):
    rows = [(s, c) for c, s, *_ in IMAGES]
    data_set = described(LABELLED["no folder"], table("image,label", rows[1:]))
    assert data_set.warnings == ("table: left out 1 image that no row names: ISIC_0000000.jpg",)
    assert len(data_set.files) == 39
    assert "10 of 40 images no row names, so they have no label" in refused(
        LABELLED["no folder"], table("image,label", rows[10:])
    )


def test_the_folders_are_the_classes_unless_the_label_is_named(described):
    text = table("image,dx", [(s, ("nv", "mel")[i % 2]) for _, s, _, _, i in IMAGES])
    by_folder = described(PATHS, text + "\n", group=[], subgroups=["dx"])
    assert by_folder.classes == CLASSES
    assert "column dx is not used" in by_folder.warnings[0]
    assert described(PATHS, text, label="dx").classes == ("mel", "nv")


def test_folders_and_labels_that_disagree_are_refused(refused, described):
    text = table("image,label", [(s, c if i else "malignant") for c, s, _, _, i in IMAGES])
    assert "1 image in the folder of another class than column label says" in refused(PATHS, text)
    assert "benign/ISIC_0000000.jpg is 'malignant' there" in refused(PATHS, text)
    assert described(PATHS, text, label="label").count("malignant", "") == 21
    assert described(PATHS, text, label="", subgroups=["image"]).count("malignant", "") == 20


def test_a_split_column_is_heeded(described):
    words = ["train", "Training", "val", "TEST"]
    rows = [(s, c, words[i % 4]) for c, s, _, _, i in IMAGES]
    data_set = described(LABELLED["no folder"], table("image,label,split", rows))
    assert [data_set.count("benign", split) for split in ("train", "test", "")] == [15, 5, 0]
    assert data_set.warnings == ("table: 10 rows of column split for validation join what is learnt from",)


def test_folds_by_number_are_no_split(described, refused):
    text = table("image,label,fold", [(s, c, i % 5) for c, s, _, _, i in IMAGES])
    data_set = described(LABELLED["no folder"], text)
    assert not data_set.has_test_folder
    assert data_set.warnings == ("table: column fold is not used: it holds 0, 1, 2, ..., not train, val and test",)
    assert "column fold holds '0, 1, 2, ...'; say train, val or test" in refused(
        LABELLED["no folder"], text, split="fold"
    )


def test_the_folders_are_the_split_unless_the_column_is_named(described):
    paths = LABELLED["splits"]
    text = table("image,label,split", [(s, c, "test" if i % 2 else "train") for c, s, _, _, i in IMAGES])
    assert described(paths, text).count("benign", "test") == 5
    assert described(paths, text, split="split").count("benign", "test") == 10


def test_a_single_label_is_no_label(described):
    text = table("image,diagnosis,target", [(s, "unknown", int(c == "malignant")) for c, s, *_ in IMAGES])
    assert described(LABELLED["no folder"], text).classes == ("0", "1")


def test_nothing_of_a_table_is_acted_upon_by_a_terminal(described):
    rows = [(s, c) for c, s, *_ in IMAGES]
    data_set = described(
        LABELLED["no folder"], table("image,label,x\x7f[2J", [(*row, 1) for row in rows]) + "\ng\x7f,a,1"
    )
    assert "\x7f" not in "".join([*data_set.understood(), *data_set.warnings])
    assert "g\\x7f" in data_set.warnings[0]
    check_classes(data_set)
