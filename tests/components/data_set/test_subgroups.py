import pytest

from components.data_set.subgroups import subgroup_values


@pytest.mark.parametrize(
    ("cells", "cut", "values"),
    [
        (["male", "female", "unknown", "", "NaN"], "", ["male", "female", "", "", ""]),
        (["39.9", "40", "60", "85", "nan"], "40,60", ["<40", "40 to <60", ">=60", ">=60", ""]),
        (["1", "2", "3", "4"], "q2", ["<2.5", "<2.5", ">=2.5", ">=2.5"]),
        (["1", "2", "2", "1"], "", ["1", "2", "2", "1"]),
        (["5", "5", "5"], "q4", [">=5", ">=5", ">=5"]),
        ([], "q4", []),
    ],
)
def test_values_are_kept_or_cut(cells, cut, values):
    assert subgroup_values(cells, cut) == (values, 0)


def test_many_numbers_are_cut_into_thirds():
    values, _ = subgroup_values([str(age) for age in range(30)], "")
    assert len(set(values)) == 3
    assert [values.count(value) for value in dict.fromkeys(values)] == [10, 10, 10]


def test_cells_that_are_no_numbers_are_counted():
    assert subgroup_values(["30", "old", "-1"], "40") == (["<40", "", ""], 1)
