"""Tables that a spreadsheet, a data frame or a hand has changed: read as meant, or refused with the way out."""

import pytest
from described_images import table

from components.contracts.errors import InputError
from components.data_set.checks import check_groups
from components.data_set.names import match_names
from components.data_set.subgroups import subgroup_values

NAMES = [f"{i:03}" for i in range(20)]
FILES = [f"{name}.png" for name in NAMES]


def label(i: int) -> str:
    return ("nv", "mel")[i % 2]


@pytest.mark.parametrize("written", ["{}", "{}.0", "{:05}"])
def test_numbers_that_a_spreadsheet_has_rewritten_mean_their_image(described, written):
    data_set = described(FILES, table("id,label", [(written.format(i), label(i)) for i in range(20)]))
    assert [file.label for file in data_set.files] == [label(i) for i in range(20)]


@pytest.mark.parametrize(
    ("files", "names"), [(["7.png", "007.png"], ["07"]), (["07.png"], ["7", "7.0"]), (["007.png"], ["-7"])]
)
def test_a_rewritten_number_that_two_images_or_two_rows_bear_means_none(files, names):
    assert match_names(names, files).rows == (-1,) * len(names)


def test_labels_that_differ_in_capitals_alone_are_refused_as_folders_are(refused):
    said = refused(FILES, table("image,dx", [(n, ("Mel", "mel", "nv", "NV")[i % 4]) for i, n in enumerate(NAMES)]))
    assert "the classes 'Mel', 'mel' differ in nothing but capitals, blanks or the way accents are stored; give" in said


def test_a_word_that_is_no_split_among_those_that_are_is_refused(refused):
    rows = [(n, label(i), "tset" if i == 3 else ("train", "test")[i % 2]) for i, n in enumerate(NAMES)]
    assert "column split holds 'tset'; say train, val or test" in refused(FILES, table("image,label,split", rows))


ONES = {
    "words": ("True", "False"),
    "blank for zero": ("1", ""),
    "floats": ("1.0", "0.0"),
}


@pytest.mark.parametrize("kind", ONES)
def test_a_column_a_class_may_be_written_in_several_ways(described, kind):
    one, zero = ONES[kind]
    rows = [(n, *((one, zero) if i % 2 else (zero, one))) for i, n in enumerate(NAMES)]
    assert described(FILES, table("image,MEL,NV", rows)).classes == ("MEL", "NV")


def test_columns_of_zeros_and_ones_that_leave_rows_without_a_class_are_told(refused, described):
    rows = [(n, int(i % 3 == 0), int(i % 3 == 1)) for i, n in enumerate(NAMES)]
    text = table("image_id,melanoma,keratosis", rows)
    said = refused(FILES, text)
    assert "melanoma, keratosis hold 0 and 1, but only 70% of the rows have a single 1: add a column" in said
    named = described(FILES, text, label=["melanoma", "keratosis"])
    assert named.warnings[0].startswith("table: left out 6 images without a label: 002.png, 005.png, 008.png, ...")


def test_a_table_without_a_known_column_of_labels_asks_for_the_column_not_for_a_table(refused):
    said = refused(FILES, table("image,patient_id", [(n, i // 4) for i, n in enumerate(NAMES)]))
    assert said.endswith('or the column of the table that holds the labels: table_columns={"label": "..."}')


def test_capitals_do_not_part_the_images_of_a_patient(described):
    rows = [(n, label(i), f"{'pP'[i // 2 % 2]}{i // 4}") for i, n in enumerate(NAMES)]
    groups = {file.path: file.group for file in described(FILES, table("image,label,patient", rows)).files}
    assert len(set(groups.values())) == 5
    assert groups["000.png"] == groups["002.png"] == "p0"


def test_of_thousands_of_columns_the_first_are_named(described, refused):
    many = [f"f{n}" for n in range(3000)]
    text = table(",".join(["image", "label", *many]), [(n, label(i), *many) for i, n in enumerate(NAMES)])
    line = described(FILES, text).understood()[1]
    assert line.endswith("f28, f29, ... (3,000 columns)")
    assert len(refused(FILES, text.replace("image,label", "x,y"))) < 500


def test_a_title_above_the_header_is_told_as_such(refused):
    assert "line 2 has 2 cells, the header 1; the first line must be the header" in refused(
        FILES, "Metadata 2024\nimage,label\n000,nv\n"
    )


def test_a_decimal_comma_is_a_number():
    assert subgroup_values(["45,5", "39", "61,0", ""], "40,60") == (["40 to <60", "<40", ">=60", ""], 0)


def test_too_few_groups_for_a_split_are_refused_before_any_picture_is_read(described):
    rows = [(n, label(i), "case of " + label(i)) for i, n in enumerate(NAMES)]
    data_set = described(FILES, table("image,label,case", rows))
    with pytest.raises(
        InputError, match=r"class 'mel' has images of 1 group \(lesions, patients\) by case, at least 6"
    ):
        check_groups(data_set, 1, 0.2)
    by_four = table("image,label,case", [(n, label(i), i // 2) for i, n in enumerate(NAMES)])
    check_groups(described(FILES, by_four), 1, 0.2)
    with pytest.raises(InputError, match="at least 11 are needed for validation and a test set"):
        check_groups(described(FILES, by_four), 1, 0.1)
    with pytest.raises(InputError, match="at least 12 are needed"):
        check_groups(described(FILES, by_four), 12, 0.2)
    check_groups(described(FILES, table("image,label", [(n, label(i)) for i, n in enumerate(NAMES)])), 1, 0.2)
