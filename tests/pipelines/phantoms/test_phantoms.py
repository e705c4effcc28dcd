import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from components.contracts.errors import InputError
from components.data_set.data_set import open_data_set
from pipelines.phantoms import write as phantoms
from pipelines.phantoms.drawing import CLASSES, class_names, class_traits, draw_phantom
from pipelines.phantoms.write import ABOUT, NOTICE, write_phantoms


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def draw(count: int, classes: int = 2, size: int = 32, seed: int = 0, part: int = 0) -> tuple[np.ndarray, np.ndarray]:
    cells = [(label, index) for label in range(classes) for index in range(count)]
    pictures = [draw_phantom(label, index, size=size, seed=seed, part=part) for label, index in cells]
    return np.stack(pictures), np.array([label for label, _ in cells])


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_the_same_seed_gives_the_same_files_and_another_seed_others(tmp_path):
    for name, seed in (("one", 5), ("same", 5), ("other", 6)):
        write_phantoms(tmp_path / name, per_class=3, test_per_class=2, size=24, seed=seed)
    one, same, other = (contents(tmp_path / name) for name in ("one", "same", "other"))
    assert one == same
    assert set(one) == set(other)
    assert not set(one.values()) & set(other.values())


def test_number_size_and_layout_are_as_asked_for(tmp_path):
    names = write_phantoms(tmp_path / "phantoms", per_class=4, test_per_class=2, classes=3, size=50)
    data_set = open_data_set(str(tmp_path / "phantoms"))
    assert data_set.classes == tuple(sorted(names))
    assert (data_set.name, data_set.notice) == ("phantoms", NOTICE)
    assert all(data_set.count(name, "train") == 4 and data_set.count(name, "test") == 2 for name in names)
    for file in data_set.files:
        with Image.open(data_set.source / file.path) as picture:
            assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (50, 50))


def test_without_test_pictures_the_class_folders_hold_what_train_would(tmp_path):
    write_phantoms(tmp_path / "alone", per_class=2, test_per_class=0, size=16)
    write_phantoms(tmp_path / "both", per_class=2, test_per_class=1, size=16)
    assert {p.name for p in (tmp_path / "alone").iterdir()} == {"benign", "malignant", ABOUT}
    assert not open_data_set(str(tmp_path / "alone")).has_test_folder
    for label in ("benign", "malignant"):
        assert contents(tmp_path / "alone" / label) == contents(tmp_path / "both/train" / label)


def test_a_picture_does_not_depend_on_what_else_is_drawn(tmp_path):
    write_phantoms(tmp_path / "few", per_class=2, test_per_class=1, classes=2, size=16)
    write_phantoms(tmp_path / "many", per_class=4, test_per_class=3, classes=5, size=16)
    few, many = contents(tmp_path / "few"), contents(tmp_path / "many")
    pictures = set(few) - {ABOUT}
    assert all(few[path] == many[path] for path in pictures)
    assert len({few[path] for path in pictures}) == len(pictures)


@pytest.mark.parametrize("size", [8, 33, 100])
def test_every_size_shows_the_same_scene(size):
    for index in range(5):
        large = Image.fromarray(draw_phantom(1, index, size=200, seed=0)).resize((size, size), Image.Resampling.BOX)
        assert correlation(np.asarray(large), draw_phantom(1, index, size=size, seed=0)) > 0.95


def test_class_names_hold_the_positive_class_and_never_repeat():
    assert class_names(2) == ("benign", "malignant")
    names = class_names(12)
    assert names[:10] == tuple(CLASSES)
    assert names[10:] == ("class-11", "class-12")
    assert len({class_traits(number) for number in range(12)}) == 12


def test_classes_differ_but_overlap():
    train, train_labels = draw(200)
    test, test_labels = draw(200, part=1)
    model = make_pipeline(StandardScaler(), PCA(60, random_state=0), LogisticRegression(C=0.05, max_iter=500))
    model.fit(train.reshape(len(train), -1), train_labels)
    assert 0.62 < model.score(test.reshape(len(test), -1), test_labels) < 0.92


def test_no_two_pictures_are_near_duplicates():
    pictures = draw(250, seed=3)[0].astype(np.float32)

    def unit(turned: np.ndarray) -> np.ndarray:
        flat = turned.reshape(len(turned), -1)
        flat = flat - flat.mean(axis=1, keepdims=True)
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

    views = [np.rot90(flipped, k, axes=(1, 2)) for flipped in (pictures, pictures[:, :, ::-1]) for k in range(4)]
    closest = np.max([unit(pictures) @ unit(view).T for view in views], axis=0)
    np.fill_diagonal(closest, 0)
    assert closest.max() < 0.98


def test_phantoms_that_are_there_already_are_left_alone(tmp_path):
    write_phantoms(tmp_path, per_class=2, test_per_class=1, size=16)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    write_phantoms(tmp_path, per_class=2, test_per_class=1, size=16)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("change", ["other number", "a picture missing", "older drawing"])
def test_phantoms_that_are_not_quite_these_are_drawn_anew(tmp_path, change):
    folder, expected = tmp_path / "phantoms", tmp_path / "expected"
    write_phantoms(folder, per_class=3, test_per_class=3 if change == "other number" else 1, size=16)
    if change == "a picture missing":
        (folder / "train/benign/0001.png").unlink()
    if change == "older drawing":
        record = json.loads((folder / ABOUT).read_text())
        record["phantoms"]["drawing"] -= 1
        (folder / ABOUT).write_text(json.dumps(record))
    for target in (folder, expected):
        write_phantoms(target, per_class=3, test_per_class=1, size=16)
    assert contents(folder) == contents(expected)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("per_class", 0), ("test_per_class", -1), ("classes", 1), ("size", 7), ("size", 10**6), ("seed", -1)],
)
def test_numbers_out_of_range_are_refused_by_name(tmp_path, parameter, value):
    numbers = {"per_class": 1, "test_per_class": 1, "classes": 2, "size": 16, "seed": 0, parameter: value}
    with pytest.raises(InputError, match=rf"^{parameter}: {value} won't do; give a whole number from \d+ to \d+$"):
        write_phantoms(tmp_path / "phantoms", **numbers)
    assert not (tmp_path / "phantoms").exists()


@pytest.mark.parametrize("path", ["thesis.txt", "project/.git/HEAD"])
def test_a_folder_with_other_files_is_refused_and_keeps_them(tmp_path, path):
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text("five years")
    with pytest.raises(InputError, match="not phantoms; name a new or empty folder"):
        write_phantoms(tmp_path, per_class=1, test_per_class=1, size=16)
    assert contents(tmp_path) == {path: b"five years"}


@pytest.mark.parametrize("record", ["not json", "[]", '{"name": "phantoms"}', '{"phantoms": {"per_class": "2"}}'])
def test_a_record_of_something_else_is_refused(tmp_path, record):
    (tmp_path / ABOUT).write_text(record)
    with pytest.raises(InputError, match="not phantoms"):
        write_phantoms(tmp_path, per_class=1, test_per_class=1, size=16)


@pytest.mark.parametrize("name", ["mine.png", ".mine"])
def test_a_users_file_among_phantoms_is_never_deleted(tmp_path, name):
    write_phantoms(tmp_path, per_class=1, test_per_class=1, size=16)
    mine = tmp_path / "train/benign" / name
    mine.write_bytes(b"mine")
    with pytest.raises(InputError, match=rf"{name}: is not one of the phantoms; move it away"):
        write_phantoms(tmp_path, per_class=2, test_per_class=1, size=16)
    assert mine.read_bytes() == b"mine"


def test_a_linked_folder_is_never_emptied(tmp_path):
    write_phantoms(tmp_path / "phantoms", per_class=1, test_per_class=1, size=16)
    (tmp_path / "phantoms" / "train").rename(tmp_path / "elsewhere")
    (tmp_path / "phantoms" / "train").symlink_to(tmp_path / "elsewhere")
    before = contents(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="train: is not one of the phantoms"):
        write_phantoms(tmp_path / "phantoms", per_class=2, test_per_class=1, size=16)
    assert contents(tmp_path / "elsewhere") == before


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "phantoms").write_text("")
    for folder in (tmp_path / "phantoms", tmp_path / "phantoms" / "inside"):
        with pytest.raises(InputError, match=f"^{folder}: .*name a"):
            write_phantoms(folder, per_class=1, test_per_class=1, size=16)


def test_a_drawing_that_is_cut_short_leaves_what_stood_there(tmp_path, monkeypatch):
    write_phantoms(tmp_path, per_class=2, test_per_class=1, size=16)
    before = contents(tmp_path)

    def interrupt(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(phantoms, "write_json", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_phantoms(tmp_path, per_class=3, test_per_class=1, size=16)
    assert contents(tmp_path) == before


def test_the_record_says_what_was_drawn(tmp_path):
    write_phantoms(tmp_path, per_class=2, test_per_class=1, classes=3, size=16, seed=9)
    record = json.loads((tmp_path / ABOUT).read_text())["phantoms"]
    assert record == {
        "per_class": 2,
        "test_per_class": 1,
        "classes": 3,
        "size": 16,
        "seed": 9,
        "drawing": phantoms.DRAWING,
    }
