"""The user's own synthetic sets, listed: addresses with and without tables, and what is refused."""

import io

import pytest

from components.contracts.errors import InputError
from components.data_set.synthetic_sets import SetAddress, addresses_of, open_synthetic_sets

CLASSES = ("benign", "malignant")
LABELS = "image,dx\n0,benign\n1,malignant\n2,benign\n3,malignant\n"


def test_an_address_may_be_a_text_a_mapping_with_a_table_or_a_list_of_both():
    columns = {"label": "dx"}
    given = {"a": "x", "b": [{"images": "y", "table": "t.csv", "table_columns": columns}, "minio://bucket/z"]}
    assert addresses_of(given) == {
        "a": [SetAddress("x")],
        "b": [SetAddress("y", "t.csv", columns), SetAddress("minio://bucket/z")],
    }


@pytest.mark.parametrize(
    "given",
    [
        [],
        "",
        5,
        {},
        {"table": "t.csv"},
        {"images": ""},
        {"images": 5},
        {"images": "x", "tables": "t.csv"},
        {"images": "x", "table": 5},
        {"images": "x", "table_columns": "dx"},
        ["x", "x"],
        ["x", {"images": "x"}],
        ["x", None],
    ],
)
def test_what_is_no_address_is_refused_by_the_name_of_the_source(given):
    with pytest.raises(InputError, match="synthetic_sets: d: "):
        addresses_of({"d": given})


@pytest.mark.parametrize(
    "paths",
    [
        [f"{i}.png" for i in range(4)],  # in no folder at all
        [f"samples/{i}.png" for i in range(4)],
        [f"part_{i % 2}/{i}.png" for i in range(4)],
        [f"train/{i}.png" for i in range(4)],
    ],
)
def test_labels_come_from_a_table_where_folders_are_no_classes(lay, tmp_path, paths):
    (tmp_path / "t.csv").write_text(LABELS)
    given = {"images": str(lay(paths, ".DS_Store")), "table": str(tmp_path / "t.csv")}
    [one] = open_synthetic_sets({"d": given}, CLASSES)
    assert [one.count(label) for label in CLASSES] == [2, 2]
    assert one.understood()[0] == "d-0: 4 files, classes by the table (benign 2, malignant 2)"
    assert one.understood()[1].startswith(f"d-0: table {tmp_path / 't.csv'}: image = image; label = dx")
    assert one.warnings() == ["d-0: passed over what systems and tools leave behind: .DS_Store 1"]


def test_columns_may_be_named(lay, tmp_path):
    (tmp_path / "t.csv").write_text(LABELS.replace("dx", "prompt"))
    given = {"images": str(lay(f"{i}.png" for i in range(4))), "table": str(tmp_path / "t.csv")}
    with pytest.raises(InputError, match="synthetic_sets: d: table: .* no column has a usual name for labels"):
        open_synthetic_sets({"d": given}, CLASSES)
    [one] = open_synthetic_sets({"d": {**given, "table_columns": {"label": "prompt"}}}, CLASSES)
    assert [one.count(label) for label in CLASSES] == [2, 2]


@pytest.mark.parametrize("splits", [("train", "test"), ("training", "val"), ("Train", "Testing")])
def test_images_of_all_splits_are_taken(lay, splits):
    root = lay(f"{split}/{label}/{i}.png" for split in splits for label in CLASSES for i in range(3))
    [one] = open_synthetic_sets({"d": str(root)}, CLASSES)
    assert [one.count(label) for label in CLASSES] == [6, 6]


def test_a_set_and_its_table_may_lie_in_a_bucket(bucket):
    for name, content in [*((f"set/{i}.png", b"not read") for i in range(4)), ("t.csv", LABELS.encode())]:
        bucket.client.put_object(bucket.bucket, name, io.BytesIO(content), len(content))
    given = {"images": f"{bucket.address}/set", "table": f"{bucket.address}/t.csv"}
    [one] = open_synthetic_sets({"d": given}, CLASSES)
    assert [one.count(label) for label in CLASSES] == [2, 2]


def test_another_table_is_another_set(lay, tmp_path):
    root = lay(f"{i}.png" for i in range(4))
    (tmp_path / "t.csv").write_text(LABELS)
    (tmp_path / "u.csv").write_text(LABELS.replace("0,benign", "0,malignant"))
    both = [{"images": str(root), "table": str(tmp_path / name)} for name in ("t.csv", "u.csv")]
    first, second = open_synthetic_sets({"d": both}, CLASSES)
    assert (first.generator, second.generator) == ("d-0", "d-1")
    assert first.data_set.digest() != second.data_set.digest()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("image,dx\n0,benign\n1,malignant\n2,nevus\n3,nevus\n", "class 'nevus' is none of the data set's"),
        ("image,dx\n0,benign\n1,benign\n2,benign\n3,other\n", "class 'other' is none of the data set's"),
        ("image,dx\na,benign\nb,malignant\n", "names no image of the data set"),
        ("image\n0\n", "table: "),
    ],
)
def test_a_table_that_does_not_fit_is_refused_by_the_name_of_the_source(lay, tmp_path, table, message):
    root = lay(f"{i}.png" for i in range(4))
    (tmp_path / "t.csv").write_text(table)
    with pytest.raises(InputError) as refusal:
        open_synthetic_sets({"d": {"images": str(root), "table": str(tmp_path / "t.csv")}}, CLASSES)
    assert str(refusal.value).startswith("synthetic_sets: d: ")
    assert message in str(refusal.value)


def test_images_without_classes_are_told_how_a_table_is_given(lay):
    root = lay([f"{i}.png" for i in range(4)], "labels.csv")
    with pytest.raises(InputError) as refusal:
        open_synthetic_sets({"d": str(root)}, CLASSES)
    assert str(refusal.value).endswith(f"--synthetic d={root},table={root}/labels.csv")


def test_sets_come_by_name_and_draw_in_whatever_order_they_are_given(image_folder):
    folder = image_folder({"benign": 2, "malignant": 2})
    other = folder.with_name("other")
    folder.rename(other)
    folder = image_folder({"benign": 2, "malignant": 2})
    for given in (
        {"b": [str(folder), str(other)], "a": str(folder)},
        {"a": str(folder), "b": [str(folder), str(other)]},
    ):
        opened = open_synthetic_sets(given, CLASSES)
        assert [(one.name, one.number) for one in opened] == [("a", 0), ("b", 0), ("b", 1)]
