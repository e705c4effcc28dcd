"""`gansweep export`: the pictures of a finished run as files, and what the table says of them."""

import csv
import dataclasses
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from components.contracts.errors import InputError
from components.contracts.imageset import read_imageset, write_imageset
from components.generators.sample import draw, load_generator
from pipelines.runs.export import COLUMNS, OF_DEVELOPMENT, OF_TEST, export


def table(folder):
    with (folder / "images.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    return [dict(zip(header, row, strict=True)) for row in rows]


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def changed(finished, tmp_path):
    """Return a function that copies the run with another synthetic set: `change` is given the sets of the run."""

    def copy(change):
        folder = tmp_path / "changed"
        for path in finished[0].glob("artifacts/*/*/*_set"):
            shutil.copytree(path, folder / path.relative_to(finished[0]))
        shutil.copy(finished[0] / "verdict.json", folder)
        paths = {path.name: path for path in folder.glob("artifacts/*/*/*_set")}
        sets = {name: read_imageset(path) for name, path in paths.items()}
        write_imageset(paths["synthetic_set"], change(sets))
        return folder

    return copy


def test_the_command_writes_the_pictures_of_a_class_that_its_generator_draws_again(finished, tmp_path):
    run, out = finished[0], tmp_path / "pictures"
    words = ["export", run, "--out", out, "--source", "gan", "--class", "malignant", "--count", "9"]
    said = subprocess.check_output([sys.executable, "-m", "pipelines", *map(str, words)], text=True)
    assert said == f"{out}: 9 images, and what is known of each in images.csv\n"
    rows = table(out)
    assert {path.relative_to(out).as_posix() for path in out.rglob("*.png")} == {row["file"] for row in rows}
    assert {(row["class"], row["source"], row["generator"]) for row in rows} == {("malignant", "gan", "gan-0")}
    development = read_imageset(next(run.glob("artifacts/*/prepare/development_set")))
    assert all(row["nearest_real"] in development.paths and "malignant" in row["nearest_real"] for row in rows)
    [folder] = [
        path.parent
        for path in run.glob("artifacts/*/*/train-gan/generator/*/gan.json")
        if "malignant" in path.read_text()
    ]
    again = draw(load_generator(folder), 9, int(rows[0]["seed"]))
    for row in rows:
        assert np.array_equal(pixels(out / row["file"]), again[int(row["origin"])])


def test_near_copies_of_real_images_are_flagged_with_the_one_they_are_of(changed, tmp_path):
    def copies(sets):
        synthetic = sets["synthetic_set"]
        images = synthetic.images.copy()
        images[0] = sets["development_set"].images[3, ::-1]
        images[1] = sets["test_set"].images[2]
        return dataclasses.replace(synthetic, images=images)

    run = changed(copies)
    export(run, tmp_path / "out", [], ["benign"], 0)
    first, second, *others = table(tmp_path / "out")
    assert (first["flags"], second["flags"]) == (OF_DEVELOPMENT, OF_TEST)
    assert first["nearest_real"] == read_imageset(next(run.glob("artifacts/*/prepare/development_set"))).paths[3]
    assert float(first["distance"]) < 0.01
    assert not any(row["flags"] for row in others)


def test_each_generator_of_a_source_gives_as_many_and_names_lead_nowhere_else(changed, tmp_path):
    def external(sets):
        synthetic = sets["synthetic_set"]
        groups = np.array([f"diffusion-{row % 2}" for row in range(len(synthetic))])
        paths = np.array([f"../x/{group}/=x/{row}.jpg" for row, group in enumerate(groups)])
        return dataclasses.replace(synthetic, groups=groups, paths=paths, classes=("../x", "malignant"))

    export(changed(external), tmp_path / "out", ["diffusion"], [], 5)
    rows = table(tmp_path / "out")
    kinds = [(row["class"], row["generator"]) for row in rows]
    assert [kinds.count(("../x", f"diffusion-{number}")) for number in (0, 1)] == [3, 2]
    assert rows[0] | {"distance": ""} == rows[0] | {
        "file": "_x/diffusion-0-000000.png",
        "source": "diffusion",
        "origin": "'=x/0.jpg",
        "seed": "",
        "distance": "",
    }
    assert {path.parent.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png")} == {
        "_x",
        "malignant",
    }
    assert not list(tmp_path.glob(".export-*"))


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ((["diffusion"], [], 5), "--source: the run has no diffusion; it has gan"),
        (([], ["melanoma"], 5), "--class: the run has no melanoma; it has benign, malignant"),
        (([], [], 100_000), "--count: the run has .* images of benign by gan-0; ask for fewer"),
    ],
)
def test_what_the_run_has_not_is_refused_and_nothing_is_written(finished, tmp_path, wanted, message):
    with pytest.raises(InputError, match=message):
        export(finished[0], tmp_path / "out", *wanted)
    assert not (tmp_path / "out").exists()


def test_pictures_do_not_go_into_the_data_set_of_their_run(finished, phantoms):
    with pytest.raises(InputError, match="^--out: .*made lies in the data set"):
        export(finished[0], phantoms / "made", [], [], 0)
    assert not (phantoms / "made").exists()


def test_nothing_is_written_over_and_a_folder_that_holds_no_run_is_refused(finished, tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(InputError, match="is there already; give a new or empty folder"):
        export(finished[0], tmp_path, [], [], 1)
    with pytest.raises(InputError, match="holds no finished run"):
        export(tmp_path, tmp_path / "out", [], [], 1)
    shutil.copy(finished[0] / "verdict.json", tmp_path)
    with pytest.raises(InputError, match="holds no artifacts of synthesize; give the folder of a run on this machine"):
        export(tmp_path, tmp_path / "out", [], [], 1)
    (tmp_path / "runs" / "fold-1").mkdir(parents=True)
    with pytest.raises(InputError, match="holds no artifacts of synthesize; give one of its runs such as .*/fold-1$"):
        export(tmp_path, tmp_path / "out", [], [], 1)
