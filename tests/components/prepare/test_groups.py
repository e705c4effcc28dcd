from pathlib import Path

import numpy as np
import pytest

from components.contracts.errors import InputError
from components.prepare.groups import connected, group_names, read_groups, table_links

PATHS = ["train/benign/1.jpg", "train/benign/2.jpg", "test/malignant/2.jpg", "test/malignant/ISIC_7.jpg"]


@pytest.fixture
def table(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "groups.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal(path: str | Path) -> str:
    with pytest.raises(InputError) as caught:
        read_groups(path, PATHS)
    assert str(caught.value).startswith("groups: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["group", "lesion_id", "patient_id", "Patient_ID"])
def test_the_group_column_is_found_by_its_name(table, name):
    path = table(f"file,age,{name}\ntest/malignant/2.jpg,40,p1\n")
    assert read_groups(path, PATHS) == {"test/malignant/2.jpg": "p1"}


def test_without_a_known_name_the_second_column_is_taken(table):
    assert read_groups(table("image,case\ntrain/benign/1.jpg,c9\n"), PATHS) == {"train/benign/1.jpg": "c9"}


def test_the_shape_of_a_published_table_is_accepted(table):
    text = "file,ham10000_image_id,lesion_id,dx,corr32\ntest/malignant/2.jpg,ISIC_0027197,HAM_0006244,mel,0.9992\n"
    assert read_groups(table(text), PATHS) == {"test/malignant/2.jpg": "HAM_0006244"}


@pytest.mark.parametrize("name", ["ISIC_7.jpg", "ISIC_7", "./test/malignant/ISIC_7.jpg"])
def test_a_bare_name_does_where_it_is_unique(table, name):
    assert read_groups(table(f"image,group\n{name},g\n"), PATHS) == {"test/malignant/ISIC_7.jpg": "g"}


def test_a_bare_name_of_two_images_is_refused(table):
    message = refusal(table("image,group\n2.jpg,g\n"))
    assert "line 2: '2.jpg' names 2 images" in message
    assert "write the path" in message


def test_rows_of_unknown_images_or_without_a_group_are_passed_over(table):
    text = "image,group\nelsewhere.jpg,a\ntrain/benign/1.jpg,\n\ntrain/benign/2.jpg,b\n"
    assert read_groups(table(text), PATHS) == {"train/benign/2.jpg": "b"}


def test_a_byte_order_mark_is_no_part_of_the_header(table):
    assert read_groups(table("\ufeffimage,x,group\nISIC_7,q,g\n"), PATHS) == {"test/malignant/ISIC_7.jpg": "g"}


def test_an_image_in_two_groups_is_refused(table):
    message = refusal(table("image,group\ntrain/benign/1.jpg,a\ntrain/benign/1.jpg,b\n"))
    assert "line 3: train/benign/1.jpg is in group 'b' and in 'a'" in message


def test_an_image_named_twice_in_one_group_is_fine(table):
    assert read_groups(table("image,group\n1,a\ntrain/benign/1.jpg,a\n"), PATHS) == {"train/benign/1.jpg": "a"}


def test_broken_tables_are_refused(table, tmp_path):
    assert "there is no such file" in refusal(tmp_path / "none.csv")
    assert "not a table of groups" in refusal(tmp_path)
    assert "needs a header and two columns" in refusal(table(""))
    assert "needs a header and two columns" in refusal(table("image;group\n1;2\n"))
    assert "names no image of the data set" in refusal(table("image,group\nx.jpg,1\n"))
    assert "line 2 has no column 'group'" in refusal(table("image,age,group\ntrain/benign/1.jpg,3\n"))
    picture = tmp_path / "picture.csv"
    picture.write_bytes(b"\x89PNG\xff\xfe,\n")
    assert "not a table of groups" in refusal(picture)


def test_links_are_followed_through_tables_and_duplicates():
    groups = {"b": "g1", "a": "g2", "d": "g1"}
    paths = list("abcde")
    components = connected(5, table_links(groups, paths), (np.array([0]), np.array([3])))
    assert group_names(components, groups, paths).tolist() == ["g1", "g1", "image:c", "g1", "image:e"]


def test_images_without_links_are_their_own_groups():
    nothing = np.empty(0, dtype=np.int64)
    components = connected(3, (nothing, nothing))
    assert group_names(components, {}, list("abc")).tolist() == ["image:a", "image:b", "image:c"]
