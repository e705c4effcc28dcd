"""Collections as their archives give them, from data set and table alone to both image sets."""

import json
from pathlib import Path

import numpy as np
import pytest
from picture_files import encoded, picture, write_classes
from PIL import Image

from components.contracts.errors import InputError
from components.contracts.imageset import read_imageset
from components.data_set.data_set import find_positive_class, open_data_set
from components.prepare.prepare import PrepareSettings, prepare


@pytest.fixture
def run(tmp_path):
    """Return a function that draws pictures at the given paths, and prepares them with a table of the given rows."""

    def call(paths: list[str], rows: list[str], positive: str = "", columns: dict | None = None, **settings):
        for number, path in enumerate(paths):
            (tmp_path / "data" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "data" / path).write_bytes(encoded(picture(number), "JPEG"))
        (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
        data_set = open_data_set(str(tmp_path / "data"), str(tmp_path / "t.csv"), columns)
        names = ("development_set", "test_set", "data_report", "page.html", "external_set")
        wanted = PrepareSettings(find_positive_class(positive, data_set.classes), image_size=16, threads=2, **settings)
        prepare(data_set, wanted, *(tmp_path / "out" / name for name in names))
        report = json.loads((tmp_path / "out" / "data_report" / "data_report.json").read_text())
        return read_imageset(tmp_path / "out/development_set"), read_imageset(tmp_path / "out/test_set"), report

    return call


def check_groups(development, test, expected: dict[str, str]) -> None:
    """Each image is in the group of its patient or lesion, none of which stands on both sides."""
    assert not set(development.groups) & set(test.groups)
    for imageset in (development, test):
        assert imageset.groups.tolist() == [expected[Path(path).stem] for path in imageset.paths]


def test_ham10000_runs_from_its_folders_and_its_metadata(run):
    stems = [f"ISIC_00{i:05}" for i in range(48)]
    lesions = {stem: f"HAM_{i // 2:07}" for i, stem in enumerate(stems)}
    dx = {stem: ("nv", "mel", "bcc")[i // 2 % 3] for i, stem in enumerate(stems)}
    rows = ["lesion_id,image_id,dx,dx_type,age,sex,localization"]
    rows += [
        f"{lesions[s]},{s},{dx[s]},histo,{20.0 + i},{('male', 'female', 'unknown')[i % 3]},back"
        for i, s in enumerate(stems)
    ]
    paths = [f"HAM10000_images_part_{1 + i % 2}/{stem}.jpg" for i, stem in enumerate(stems)]
    columns = {"subgroups": ["sex", "age:40,60"]}
    development, test, report = run([*paths], rows, "mel", columns, validation_share=0.34)
    check_groups(development, test, lesions)
    assert development.classes == ("bcc", "mel", "nv")
    for imageset in (development, test):
        assert [imageset.classes[label] for label in imageset.labels] == [
            dx[Path(path).stem] for path in imageset.paths
        ]
        ages = [20 + stems.index(Path(path).stem) for path in imageset.paths]
        assert imageset.subgroups["age"].tolist() == [
            "<40" if age < 40 else "40 to <60" if age < 60 else ">=60" for age in ages
        ]
        assert set(imageset.subgroups["sex"]) <= {"male", "female", ""}
    assert report["table"]["columns"] == {
        "image": ["image_id"], "label": ["dx"], "group": ["lesion_id"], "subgroups": ["sex", "age"]
    }  # fmt: skip
    assert report["subgroups"]["sex"] == {"": 16, "female": 16, "male": 16}
    assert report["warnings"] == []
    assert "table: 48 of 48 rows name an image, 48 of 48 images are listed" in report["understood"]


def test_the_isic_archive_runs_from_one_folder_and_its_metadata(run):
    stems = [f"ISIC_{i:07}" for i in range(40)]
    patients = {stem: f"IP_{i // 4}" for i, stem in enumerate(stems)}
    kind = ("benign", "malignant")
    rows = ["isic_id,attribution,copyright_license,age_approx,benign_malignant,diagnosis,lesion_id,patient_id"]
    rows += [
        f'{s},"Hospital, Town",CC-0,45,{kind[i // 4 % 2]},nevus,{f"IL_{i // 2}" if i % 3 else ""},{patients[s]}'
        for i, s in enumerate(stems)
    ]
    development, test, report = run([f"ISIC-images/{stem}.jpg" for stem in stems], rows, validation_share=0.34)
    check_groups(development, test, patients)
    assert development.positive_class == "malignant"
    assert report["counts"]["development"]["malignant"] + report["counts"]["test"]["malignant"] == 20


def test_nih_runs_from_its_folders_and_its_table(run):
    stems = [f"{i // 3:08}_{i % 3:03}" for i in range(60)]
    patients = {stem: str(int(stem[:8])) for stem in stems}
    labels = ["No Finding", "Effusion", "Mass|Effusion"]
    rows = ["Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,OriginalImage[Width,Height]"]
    rows += [f"{s}.png,{labels[i // 3 % 3]},{i % 3},{patients[s]},58,M,2682,2749" for i, s in enumerate(stems)]
    rows[0] += ","  # as the real header has it
    paths = [f"images_{1 + i % 2:03}/images/{stem}.png" for i, stem in enumerate(stems)]
    development, test, report = run(paths, rows, "Effusion")
    check_groups(development, test, patients)
    assert development.classes == ("Effusion", "No Finding")
    assert len(development) + len(test) == 42
    assert report["warnings"] == ["table: left out 18 images with several labels: Mass and Effusion (18)"]


def test_isic_2019_runs_from_one_folder_and_its_one_hot_table(run):
    stems = [f"ISIC_{i:07}" for i in range(40)]
    rows = ["image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK"]
    rows += [f"{s},{float(i % 2)},{float(not i % 2)}" + ",0.0" * 7 for i, s in enumerate(stems)]
    development, test, report = run([f"ISIC_2019_Training_Input/{stem}.jpg" for stem in stems], rows, "MEL")
    assert development.classes == ("MEL", "NV")
    assert {**report["counts"]["development"]} == {"MEL": 16, "NV": 16}
    for imageset in (development, test):
        assert (imageset.labels == [1 - int(Path(path).stem[-1]) % 2 for path in imageset.paths]).all()


# The same picture under two labels.
def conflicting(root: Path) -> Path:
    for label, name in enumerate(("benign", "malignant")):
        (root / name).mkdir(parents=True)
        for i in range(20):
            (root / name / f"{i:02}.png").write_bytes(encoded(picture(100 * label + i)))
    for i in range(4):
        (root / "malignant" / f"copy-{i}.png").write_bytes((root / "benign" / f"{i:02}.png").read_bytes())
    return root


def prepared(root: Path, out: Path, **settings) -> tuple[list[str], dict]:
    names = ("development_set", "test_set", "data_report", "page.html", "external_set")
    prepare(
        open_data_set(str(root)), PrepareSettings("malignant", image_size=16, **settings), *(out / n for n in names)
    )
    report = json.loads((out / "data_report" / "data_report.json").read_text())
    paths = [read_imageset(out / name).paths.tolist() for name in names[:2]]
    return sorted(paths[0] + paths[1]), report


def test_the_same_picture_under_two_labels_is_left_out_of_both_sets(tmp_path, capsys):
    paths, report = prepared(conflicting(tmp_path / "data"), tmp_path / "out")
    assert len(paths) == 36
    assert not [path for path in paths if "copy" in path or path in {f"benign/0{i}.png" for i in range(4)}]
    assert report["conflicts"] == {"images": 8, "dropped": 8, "policy": "drop"}
    assert sum(sum(of.values()) for of in report["counts"].values()) == 36
    said = (
        "8 images with equal pixels under two labels, all left out (on_conflict: drop), first benign/00.png and malig"
    )
    assert report["warnings"][0].startswith(said)
    assert f"gansweep warning prepare - {said}" in capsys.readouterr().out
    assert said in (tmp_path / "out" / "page.html").read_text()


def test_the_same_picture_under_two_labels_is_kept_or_stops_the_run_on_request(tmp_path):
    root = conflicting(tmp_path / "data")
    paths, report = prepared(root, tmp_path / "out", on_conflict="keep")
    assert len(paths) == 44
    assert report["conflicts"] == {"images": 8, "dropped": 0, "policy": "keep"}
    with pytest.raises(
        InputError, match="on_conflict: 8 images stand under two labels with equal pixels, first benign/"
    ):
        prepared(root, tmp_path / "other", on_conflict="fail")


@pytest.mark.parametrize(
    ("scale", "bits", "limit"), [(16, 16, 4095), (4, 16, 1023), (64, 16, 16383), (257, 16, None), (16, 12, None)]
)
def test_fewer_bits_than_sixteen_are_told_or_scaled_on_request(tmp_path, scale, bits, limit):
    for number, name in enumerate(("benign", "malignant")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(12):
            grey = np.asarray(picture(100 * number + i).convert("L")).astype(np.uint16) * scale
            grey[0, 0] = 255 * scale
            Image.fromarray(grey).save(tmp_path / "data" / name / f"{i}.png")
    _, report = prepared(tmp_path / "data", tmp_path / "out", bits_used=bits)
    assert (read_imageset(tmp_path / "out" / "development_set").images.max() > 64) == (limit is None)
    told = f"24 of 24 files of 16 bits hold no value above {limit}, as"
    assert [warning.startswith(told) for warning in report["warnings"]] == [True] * (limit is not None)


def test_a_few_dark_files_among_those_of_sixteen_bits_are_told(tmp_path):
    root = write_classes(tmp_path / "data", {"benign": 12, "malignant": 12})
    for i, scale in enumerate((16, 257, 257)):
        grey = np.asarray(picture(500 + i).convert("L")).astype(np.uint16) * scale
        Image.fromarray(grey).save(root / "benign" / f"deep-{i}.png")
    _, report = prepared(root, tmp_path / "out")
    assert report["warnings"] == [
        "1 of 3 files of 16 bits hold no value above 4095, as 12-bit pictures do: they turn out too dark; bring all "
        "files to one range"
    ]


def test_half_of_a_rare_class_unreadable_stops_the_run(tmp_path):
    root = conflicting(tmp_path / "data")
    for i in range(100):
        (root / "benign" / f"more-{i}.png").write_bytes(encoded(picture(1000 + i)))
    for i in range(6):
        (root / "malignant" / f"{i:02}.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"6 of 24 files of class 'malignant' \(25.0%\) can't be used"):
        prepared(root, tmp_path / "out")


def test_a_conflict_across_a_given_split_leaves_both_sets(tmp_path):
    root = tmp_path / "data"
    for number, folder in enumerate(("train/benign", "train/malignant", "test/benign", "test/malignant")):
        (root / folder).mkdir(parents=True)
        for i in range(12):
            (root / folder / f"{i:02}.png").write_bytes(encoded(picture(100 * number + i)))
    (root / "test/malignant/copy.png").write_bytes((root / "train/benign/00.png").read_bytes())
    paths, report = prepared(root, tmp_path / "out")
    assert len(paths) == 47
    assert not {"test/malignant/copy.png", "train/benign/00.png"} & set(paths)
    assert report["counts"]["test"] == {"benign": 12, "malignant": 12}
    assert report["leaks"]["test_images"] == 0
