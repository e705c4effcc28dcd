import numpy as np

from components.prepare.groups import connected, group_names, table_links


def test_links_are_followed_through_tables_and_duplicates():
    groups = {"b": "g1", "a": "g2", "d": "g1"}
    paths = list("abcde")
    components = connected(5, table_links(groups, paths), (np.array([0]), np.array([3])))
    assert group_names(components, groups, paths).tolist() == ["g1", "g1", "image:c", "g1", "image:e"]


def test_images_without_links_are_their_own_groups():
    nothing = np.empty(0, dtype=np.int64)
    components = connected(3, (nothing, nothing))
    assert group_names(components, {}, list("abc")).tolist() == ["image:a", "image:b", "image:c"]
