"""Tables as people have them: which column is what, which image is meant, what belongs together, and what is said."""

import pytest
from described_images import CLASSES, IMAGES, PATHS, PATIENTS, WHOLE, table
from numbered_files import numbered

from components.contracts.errors import InputError
from components.data_set.data_set import DataSet, open_data_set


def groups(data_set: DataSet) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for file in data_set.files:
        found.setdefault(file.group, set()).add(file.path)
    return found


def by_patient() -> list[set[str]]:
    return [
        {path for path, other in zip(PATHS, PATIENTS, strict=True) if other == patient} for patient in PATIENTS[::4]
    ]


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


def test_the_version_of_the_data_changes_with_what_the_table_says(described):
    first = described(PATHS, WHOLE["plain"]).digest()
    assert described(PATHS, WHOLE["plain"].replace("IP_04", "IP_03")).digest() != first
