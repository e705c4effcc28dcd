import pytest

from components.contracts.errors import InputError
from components.data_set.data_set import open_data_set
from components.data_set.external_test_sets import external_addresses, external_version, open_external_test_sets
from components.data_set.further_sets import SetAddress

CLASSES = ("benign", "keratosis", "malignant")


def opened(given, classes=CLASSES):
    return open_external_test_sets({"b": given}, classes, "malignant", 0.05)


def refusal(given, classes=CLASSES) -> str:
    with pytest.raises(InputError) as error:
        opened(given, classes)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_set_is_an_address_or_a_mapping_with_a_table():
    given = {"b": "minio://x/b", "c": {"images": "c", "table": "c.csv", "table_columns": {"label": "dx"}}}
    assert external_addresses(given) == {
        "b": SetAddress("minio://x/b"),
        "c": SetAddress("c", "c.csv", {"label": "dx"}),
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"b/c": "x"}, "'b/c' can't name a test set"),
        ({"b": ""}, "external_test_sets: b: give a folder or minio:// address, or"),
        ({"b": ["x", "y"]}, "external_test_sets: b: give a folder or minio:// address, or"),
        ({"b": {"table": "x"}}, "external_test_sets: b: give a folder or minio:// address, or"),
        ({"b": {"images": "x", "tabel": "y"}}, "external_test_sets: b: tabel: 'y'; give a folder"),
        ({"b": {"images": "x", "table": 3}}, "external_test_sets: b: table: 3; give a folder"),
    ],
)
def test_names_and_values_that_can_not_be_are_refused(given, message):
    with pytest.raises(InputError) as error:
        external_addresses(given)
    assert message in str(error.value)


def test_classes_that_are_lacking_are_said_and_unknown_ones_refused_by_name(image_folder):
    root = image_folder({"benign": 3, "malignant": 2})
    (one,) = opened(str(root))
    assert one.lacking == ("keratosis",)
    assert one.understood()[0] == "b: 5 files, classes by their folders (benign 3, malignant 2)"
    assert "no images of keratosis" in one.understood()[1]
    assert "class 'malignant' is none of the data set's (a, benign)" in refusal(str(root), ("a", "benign"))
    assert "classes 'benign', 'malignant' are none of" in refusal(str(root), ("a", "c"))


def test_a_set_without_the_positive_class_or_any_other_is_refused(image_folder):
    root = image_folder({"benign": 3, "malignant": 2})
    for name, missing in (("malignant", "'malignant'"), ("benign", "any other class")):
        (root / name).rename(root.parent / name)
        assert f"has no images of {missing}" in refusal(str(root))
        (root.parent / name).rename(root / name)


def test_labels_may_stand_in_a_table(image_folder):
    root = image_folder({"scans": 4})
    table = root / "t.csv"
    table.write_text("image,dx\n000,benign\n001,benign\n002,malignant\n003,malignant\n")
    (one,) = opened({"images": str(root), "table": str(table)})
    assert one.data_set.classes == ("benign", "malignant")
    assert any("table" in line for line in one.understood())


def test_its_version_changes_with_any_file(image_folder):
    root = image_folder({"benign": 3, "malignant": 2})
    before = external_version(opened(str(root)))
    (root / "benign" / "000.png").unlink()
    assert external_version(opened(str(root))) != before
    assert open_data_set(str(root)).digest() in external_version(opened(str(root)))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    assert refusal(str(tmp_path / "none")).startswith(f"external_test_sets: b: {tmp_path / 'none'}: there is no such")
