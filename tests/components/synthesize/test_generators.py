import json

import numpy as np
import pytest

from components.contracts.arms import parse_arms
from components.contracts.errors import InputError
from components.contracts.imageset import read_imageset
from components.generators.sample import draw, load_generator
from components.generators.scale import scaled
from components.synthesize.generators import find_gans
from components.synthesize.synthesize import synthesize

CLASSES = ("benign", "malignant")


def test_generators_come_in_the_order_of_class_and_replicate(generator):
    folders = [generator(name, replicate) for replicate in (1, 0) for name in ("malignant", "benign")]
    found = find_gans(folders, CLASSES, 32)
    assert [(gan.label, gan.replicate) for gan in found] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [gan.folder.name for gan in found][0] == "generator-benign-0-32"
    assert len({gan.seed(5) for gan in found} | {gan.seed(6) for gan in found}) == 8


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([("benign", 0)], "generator of malignant/0 is missing"),
        ([("benign", 0), ("malignant", 0), ("malignant", 1)], "generator of benign/1 is missing"),
        ([("benign", 1), ("malignant", 1)], "generator of benign/0 is missing"),
        ([("benign", 0), ("other", 0)], "class 'other' is none of the development set's"),
    ],
)
def test_a_missing_or_unknown_generator_is_named(generator, cells, message):
    with pytest.raises(InputError, match=message):
        find_gans([generator(*cell) for cell in cells], CLASSES, 32)


def test_a_generator_given_twice_is_refused(generator):
    folder = generator("benign", 0)
    with pytest.raises(InputError, match="both draw benign/0"):
        find_gans([folder, folder, generator("malignant", 0)], CLASSES, 32)


def test_a_generator_of_larger_pictures_than_the_data_set_has_is_refused(generator):
    with pytest.raises(InputError, match="draws images of 64 x 64, the development set has 32 x 32"):
        find_gans([generator("benign", 0, 64), generator("malignant", 0)], CLASSES, 32)


def test_pictures_of_a_gan_that_draws_smaller_ones_are_scaled_up(generator, phantom_set, phantom_test_set, tmp_path):
    gans = find_gans([generator("benign", 0, 16), generator("malignant", 0)], CLASSES, 32)
    synthesize(
        [gan.folder for gan in gans],
        phantom_set,
        phantom_test_set,
        phantom_test_set.subset(slice(0)),
        parse_arms(["real", "gan:20"]),
        3,
        on_leak="drop",
        synthetic_sets={},
        max_bad_share=0.05,
        replicates=2,
        threads=1,
        synthetic_folder=tmp_path / "set",
        report_folder=tmp_path / "report",
    )
    drawn = read_imageset(tmp_path / "set")
    assert drawn.images.shape[1:] == (32, 32, 3)
    small = draw(load_generator(gans[0].folder), 5, gans[0].seed(3))
    assert np.array_equal(drawn.images[:5], scaled(small, np.arange(5), 32))


def test_a_run_without_gans_has_no_generators():
    assert find_gans([], CLASSES, 32) == []


def test_an_incomplete_folder_is_refused_by_the_name_of_its_file(generator):
    folder = generator("benign", 0)
    (folder / "gan.json").write_text(json.dumps({"class": "benign"}))
    with pytest.raises(InputError, match=r"gan\.json: has no 'replicate'"):
        find_gans([folder], CLASSES, 32)
    (folder / "losses.csv").unlink()
    with pytest.raises(InputError, match=r"losses\.csv: the file is missing"):
        find_gans([folder], CLASSES, 32)
