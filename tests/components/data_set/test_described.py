"""Tables as people have them: which column is what, which image is meant, what belongs together, and what is said."""

import pytest
from numbered_files import numbered

from components.contracts.errors import InputError
from components.data_set.checks import check_classes
from components.data_set.data_set import DataSet, open_data_set

# 20 images a class, 5 patients a class of 4 images, two lesions of 2 images a patient.
CLASSES = ("benign", "malignant")
IMAGES = [
    (c, f"ISIC_{n}{i:06d}", f"IP_{n}{i // 4}", f"IL_{n}{i // 2}", i) for n, c in enumerate(CLASSES) for i in range(20)
]
PATHS = [f"{c}/{stem}.jpg" for c, stem, *_ in IMAGES]
PATIENTS = [patient for _, _, patient, _, _ in IMAGES]


def table(header: str, cells, separator: str = ",") -> str:
    return "\n".join([header, *(separator.join(map(str, row)) for row in cells)])


def groups(data_set: DataSet) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for file in data_set.files:
        found.setdefault(file.group, set()).add(file.path)
    return found


def by_patient() -> list[set[str]]:
    return [
        {path for path, other in zip(PATHS, PATIENTS, strict=True) if other == patient} for patient in PATIENTS[::4]
    ]


WHOLE = {
    "plain": table("image,patient_id", [(f"{c}/{s}.jpg", p) for c, s, p, _, _ in IMAGES]),
    "stem": table("image_name,patient_id,sex", [(s, p, "male") for _, s, p, _, _ in IMAGES]),
    "isic2020": table(
        "image_name,patient_id,lesion_id,sex,age_approx,diagnosis,benign_malignant,target",
        [(s, p, lesion, "male", 45, "unknown", c, 0) for c, s, p, lesion, _ in IMAGES],
    ),
    "isic archive": table(
        "isic_id,attribution,age_approx,lesion_id,patient_id",
        [(s, "x", 50, lesion if i % 2 else "", p) for _, s, p, lesion, i in IMAGES],
    ),
    "nih": table(
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age",
        [(f"{s}.jpg", "Effusion|Mass" if i % 2 else "Mass", 0, p, 58) for _, s, p, _, i in IMAGES],
    ),
    "subject": table("filename,age,subject", [(s, 20 + i, p) for _, s, p, _, i in IMAGES]),
    "patientId": table("sex,patientId,image id", [("f", p, s) for _, s, p, _, _ in IMAGES]),
    "half": table("image,patient_id", [(f"{'images/' * (i % 2)}{c}/{s}.jpg", p) for c, s, p, _, i in IMAGES]),
    "case": table("image,patient_id", [(f"{s}.{'JPG' if i % 2 else 'jpg'}", p) for _, s, p, _, i in IMAGES]),
    "otherext": table("image,patient_id", [(f"{s}.{'png' if i % 2 else 'jpg'}", p) for _, s, p, _, i in IMAGES]),
    "windows": table("image,patient_id", [(f"C:\\data\\{c}\\{s}.jpg", p) for c, s, p, _, _ in IMAGES]),
    "index": table(",image,patient_id", [(i, s, p) for _, s, p, _, i in IMAGES]),
    "unnamed": table("Unnamed: 0,image_name,patient_id", [(i, s, p) for _, s, p, _, i in IMAGES]),
    "twice": table("image,patient_id", [(s, p) for _, s, p, _, _ in IMAGES] * 2),
    "formula": table("image;patient_id", [(s, f'="{p}"') for _, s, p, _, _ in IMAGES], ";"),
    "blanks": table(" Image , Patient_ID ", [(f" {s} ", f" {p} ") for _, s, p, _, _ in IMAGES]),
    "trailing": table("image,patient_id,", [(s, p, "") for _, s, p, _, _ in IMAGES]),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_images_of_one_patient_belong_together_whatever_the_table_looks_like(described, kind):
    data_set = described(PATHS, WHOLE[kind])
    assert sorted(groups(data_set).values(), key=min) == sorted(by_patient(), key=min)
    assert data_set.classes == CLASSES
    assert "40 of 40 images are listed" in data_set.understood()[2]


def test_lesions_are_groups_where_no_patient_is_named(described):
    text = table("lesion_id,image_id,dx,age", [(lesion, s, "nv", 80) for _, s, _, lesion, _ in IMAGES])
    data_set = described(PATHS, text)
    assert len(groups(data_set)) == 20
    assert data_set.table.columns == {"image": ["image_id"], "group": ["lesion_id"]}
    assert "image = image_id; group = lesion_id; not used: dx, age" in data_set.understood()[1]


def test_what_is_shared_in_either_of_two_columns_belongs_together_row_by_row(described):
    text = "image,patient_id,lesion_id\n0,p1,l1\n1,,l1\n2,p2,\n3,p2,l2\nelsewhere,p1,l2\n4,,\n5,nan,l9\n"
    paths = [*numbered("a", 3), *numbered("b", 4, 3)]
    names = {path: f"{path[-5]}" for path in paths}
    for path, name in names.items():
        text = text.replace(f"\n{name},", f"\n{path},")
    found = groups(described(paths, text))
    assert sorted(map(sorted, found.values())) == [
        sorted(paths[:4]),  # p1-l1, l1, p2, p2-l2 by way of the row of an image that isn't here
        sorted([paths[4], paths[6]]),
        [paths[5]],
    ]
    assert found[""] == {paths[4], paths[6]}


@pytest.mark.parametrize("word", ["", "nan", "NaN", "None", "NA", "n/a", "unknown", "-1", "-1.0", "<NA>", "?"])
def test_words_for_nothing_are_no_patient(described, word):
    text = table("image,patient_id", [(s, p if i % 2 else word) for _, s, p, _, i in IMAGES])
    found = groups(described(PATHS, text))
    assert len(found[""]) == 20
    assert len(found) == 11


def test_whole_numbers_are_the_same_with_and_without_a_point(described):
    text = table("image,patient_id", [(s, f"{7 + i // 4}{'.0' * (i % 2)}") for _, s, _, _, i in IMAGES])
    assert len(groups(described(PATHS, text))) == 5


def test_rows_of_other_images_are_told(described):
    text = WHOLE["plain"] + "".join(f"\ngone_{i},IP_9" for i in range(500))
    data_set = described(PATHS, text)
    assert "40 of 540 rows name an image, 40 of 40 images are listed" in data_set.understood()[2]
    assert data_set.warnings == ("table: 500 rows of no image of the data set: gone_0, gone_1, gone_2, ...",)


def test_a_table_in_the_data_set_itself_is_no_stray_file(lay):
    root = lay(PATHS, "meta.csv")
    (root / "meta.csv").write_text(WHOLE["plain"])
    assert open_data_set(str(root), str(root / "meta.csv")).warnings == ()


def test_images_of_no_row_are_told(described):
    data_set = described(PATHS, table("image,patient_id", list(zip(PATHS, PATIENTS, strict=True))[::2]))
    (warning,) = data_set.warnings
    assert warning.startswith("table: 20 images that no row names: benign/ISIC_0000001.jpg, ")


def test_names_that_fit_too_few_are_refused(refused):
    rows = [(f"{s}{'_x' * (i % 2)}", p) for _, s, p, _, i in IMAGES]
    said = refused(PATHS, table("image,patient_id", rows))
    assert "column image fits only 20 of 40 images: 20 names fit none (ISIC_0000001_x, " in said
    assert "20 images no row names (benign/ISIC_0000001.jpg, " in said
    rows = [(f"{s}_x", p) for _, s, p, _, _ in IMAGES]
    assert "column image names no image of the data set: it holds ISIC_" in refused(PATHS, table("image,case", rows))


def test_rows_that_are_cut_off_are_told(described):
    data_set = described(PATHS, WHOLE["trailing"].replace("trailing", "x").rpartition(",IP")[0])
    assert data_set.warnings[0] == "table: 1 row with fewer cells than the header (line 41)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,patient_id\nx,p\n", "no column has a usual name for images (image, image_id, filename, path, ...)"),
        ("a,patient_id\nx,p\n", "there are: a, patient_id"),
        ("image,age\nISIC_0000000,1\n", "no column has a usual name for labels"),
        (
            "image,patient_id\nISIC_0000000,a\nISIC_0000000,b\n",
            "line 3: benign/ISIC_0000000.jpg has the group 'b' here",
        ),
        ("image,split\nISIC_0000000,test\nISIC_0000000,train\n", "has the split 'train' here and 'test' in another"),
    ],
)
def test_a_table_that_says_nothing_or_two_things_is_refused(refused, text, said):
    assert said in refused(PATHS[:1] + PATHS[-1:], text + "ISIC_1000019,\n")


def test_a_bare_name_of_two_images_is_refused(refused):
    assert "line 2: '1' names 2 images, such as a/1.png and b/1.png; write the path" in refused(
        ["a/1.png", "b/1.png"], "image,patient_id\n1,p\n"
    )


def test_a_column_that_puts_most_images_into_one_group_is_told(described):
    rows = [(s, f"fold{i % 2}", p) for _, s, p, _, i in IMAGES]
    data_set = described(PATHS, table("image,group,patient_id", rows))
    assert "40 of 40 images are one group" in data_set.warnings[0]
    assert not described(PATHS, table("image,group,patient_id", rows), group=["patient_id"]).warnings


def test_columns_are_taken_as_they_are_named(described, refused):
    rows = [(s, p, f"t{i % 2}", 30 + i, "x") for _, s, p, _, i in IMAGES]
    text = table("Scan,Who Is It,kind,Age (years),image", rows)
    data_set = described(PATHS, text, image="scan", group="who_is_it", label="kind", subgroups=["Age (years):40"])
    assert data_set.table.columns == {
        "image": ["Scan"], "label": ["kind"], "group": ["Who Is It"], "subgroups": ["Age (years)"]
    }  # fmt: skip
    assert data_set.classes == ("t0", "t1")
    assert data_set.subgroups == ("Age (years)",)
    assert {file.subgroups for file in data_set.files} == {("<40",), (">=40",)}
    assert "no column is called 'nowhere'; there are: Scan, Who Is It, " in refused(PATHS, text, image="nowhere")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"lable": "x"}, "there is no 'lable'; it may name image, label, group, split, subgroups"),
        ({"image": ["a"]}, "image takes one name of columns"),
        ({"group": [1]}, "group takes names as text; write numbers between quotes"),
        ({"subgroups": "sex"}, 'write subgroups as a list, ["sex"]'),
        ({"subgroups": ["sex:many"]}, "'sex:many' is cut neither at edges"),
        ({"subgroups": ["label"]}, "a column may not be called label"),
    ],
)
def test_a_table_columns_of_another_shape_is_refused(refused, columns, said):
    assert said in refused(PATHS, "image,label,sex,patient\nx,y,z,p\n", **columns)


def test_columns_without_a_table_are_refused(lay):
    with pytest.raises(InputError, match="^table_columns: names columns, but there is no table"):
        open_data_set(str(lay(PATHS)), "", {"label": "dx"})


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
    assert "column fold holds '0, 1, 2, ...'; a split is train, val or test" in refused(
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


def test_the_version_of_the_data_changes_with_what_the_table_says(described):
    first = described(PATHS, WHOLE["plain"]).digest()
    assert described(PATHS, WHOLE["plain"].replace("IP_04", "IP_03")).digest() != first


def test_nothing_of_a_table_is_acted_upon_by_a_terminal(described):
    rows = [(s, c) for c, s, *_ in IMAGES]
    data_set = described(
        LABELLED["no folder"], table("image,label,x\x7f[2J", [(*row, 1) for row in rows]) + "\ng\x7f,a,1"
    )
    assert "\x7f" not in "".join([*data_set.understood(), *data_set.warnings])
    assert "g\\x7f" in data_set.warnings[0]
    check_classes(data_set)
