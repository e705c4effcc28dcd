import pytest

from components.contracts.errors import InputError
from components.contracts.pods import INDEX, cell_folders, deal, folders_of


def test_each_cell_has_a_pod_of_its_own_unless_there_are_fewer():
    assert deal([3, 1, 2], 0) == deal([3, 1, 2], 3) == deal([3, 1, 2], 9) == [[0], [1], [2]]
    assert deal([], 0) == deal([], 2) == []


def test_the_largest_cells_go_first_each_to_the_pod_with_least_to_do():
    assert deal([1, 1, 1, 5], 2) == [[0, 1, 2], [3]]
    assert deal([4, 3, 3, 2, 2], 2) == [[0, 3, 4], [1, 2]]
    assert deal([1] * 5, 1) == [[0, 1, 2, 3, 4]]


def test_no_pod_is_left_without_a_cell():
    assert all(deal([1, 0, 0, 0], 3))


def test_the_folders_of_cells_are_found_again_in_their_order(tmp_path):
    artifact = tmp_path / "models"
    made = cell_folders(artifact, [f"gan:{n}" for n in range(12)])
    assert folders_of(artifact) == made
    assert [folder.name for folder in made[9:]] == ["9", "10", "11"]
    assert cell_folders(artifact, ["real"]) == made[:1] == folders_of(artifact)


@pytest.mark.parametrize("text", ["{}", "real"])
def test_an_artifact_without_its_cells_is_refused_by_name(tmp_path, text):
    with pytest.raises(InputError, match=f"{INDEX}: the file is missing"):
        folders_of(tmp_path)
    (tmp_path / INDEX).write_text(text)
    with pytest.raises(InputError, match=f"{INDEX}: (holds no list|not valid JSON)"):
        folders_of(tmp_path)
