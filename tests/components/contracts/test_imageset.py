import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from components.contracts.errors import InputError
from components.contracts.imageset import (
    ImageSet,
    pixel_digest,
    pixels_written,
    read_imageset,
    smallest_class,
    write_imageset,
    write_rows,
)


def make(count: int = 6) -> ImageSet:
    images = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return ImageSet(
        name="a, b",
        notice='said "so"',
        classes=("benign", "malignant"),
        positive_class="malignant",
        images=images,
        paths=np.array([f"train/x,{i}\n.png" for i in range(count)]),
        labels=np.arange(count) % 2,
        splits=np.full(count, "development"),
        folds=np.arange(count) % 3,
        groups=np.array([f"g{i // 2}" for i in range(count)]),
        sha256=np.array([pixel_digest(image) for image in images]),
    )


def test_an_image_set_comes_back_as_it_was(tmp_path):
    written = make()
    write_imageset(tmp_path / "set", written)
    read = read_imageset(tmp_path / "set")
    assert (read.name, read.notice) == ("a, b", 'said "so"')
    assert (read.classes, read.positive_class) == (("benign", "malignant"), "malignant")
    for column in ("images", "paths", "labels", "splits", "folds", "groups", "sha256"):
        assert np.array_equal(getattr(read, column), getattr(written, column)), column
    assert read.digest() == written.digest()
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["images.npy", "imageset.json", "rows.csv"]


def test_subgroups_come_back_with_their_rows(tmp_path):
    sexes = np.array(["male", "", "female", "", "male", "x,\ny"])
    write_imageset(
        tmp_path, replace(make(), subgroups={"sex": sexes, "age": np.full(6, "<40")}).subset(np.arange(6) > 1)
    )
    read = read_imageset(tmp_path)
    assert list(read.subgroups) == ["sex", "age"]
    assert read.subgroups["sex"].tolist() == sexes[2:].tolist()
    assert read.paths.tolist() == make().paths[2:].tolist()


def test_pixels_are_memory_mapped(tmp_path):
    write_imageset(tmp_path, make())
    assert isinstance(read_imageset(tmp_path).images, np.memmap)


def test_writing_replaces_what_a_failed_attempt_left(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "stale.npy").write_bytes(b"x")
    write_imageset(tmp_path / "set", make())
    assert not (tmp_path / "set" / "stale.npy").exists()


def test_the_digest_covers_paths_labels_groups_and_pixels():
    plain = make()
    changed = [
        replace(plain, paths=plain.paths[::-1]),
        replace(plain, labels=1 - plain.labels),
        replace(plain, groups=np.full(6, "g")),
        replace(plain, sha256=plain.sha256[::-1]),
    ]
    assert len({imageset.digest() for imageset in [plain, *changed]}) == 5
    assert replace(plain, folds=plain.folds * 0).digest() == plain.digest()


def test_counts_are_by_class():
    assert make(5).counts() == {"benign": 3, "malignant": 2}


def test_replicates_validate_on_the_folds_in_turn():
    imageset = make()
    assert np.flatnonzero(imageset.validation_mask(1)).tolist() == [1, 4]


def test_further_replicates_validate_on_folds_dealt_anew_by_group_and_class():
    rows = np.arange(60)
    groups = np.where(rows < 20, rows // 2, rows).astype(str)
    imageset = replace(make(60), labels=(rows >= 30).astype(np.int64), groups=groups, folds=rows // 2 % 5)
    masks = [imageset.validation_mask(replicate) for replicate in range(15)]
    assert len({mask.tobytes() for mask in masks}) == 15
    for turn in range(3):
        assert (np.sum(masks[5 * turn : 5 * turn + 5], axis=0) == 1).all()
    for replicate, mask in enumerate(masks):
        whole = {group: set(mask[groups == group]) for group in groups}
        assert all(len(sides) == 1 for sides in whole.values())
        first = masks[replicate % 5]
        assert [np.sum(mask & (imageset.labels == c)) for c in (0, 1)] == [
            np.sum(first & (imageset.labels == c)) for c in (0, 1)
        ]
    assert np.array_equal(masks[7], imageset.validation_mask(7))


def test_synthetic_rows_are_the_first_of_a_generator_and_a_class():
    imageset = replace(make(8), groups=np.array(["gan-0"] * 4 + ["gan-1"] * 4))
    assert imageset.generators_of("gan") == ["gan-0", "gan-1"]
    assert imageset.generators_of("diffusion") == []
    assert imageset.synthetic_rows(1, "gan-1", 2, replicate=3).tolist() == [5, 7]
    assert imageset.synthetic_rows(1, "gan-1", 1, replicate=3).tolist() == [5]
    with pytest.raises(InputError, match="3 images of malignant wanted, 2 there"):
        imageset.synthetic_rows(1, "gan-1", 3, replicate=0)


def test_pixels_written_piece_by_piece_are_the_set_written_at_once(tmp_path):
    whole = make(7)
    write_imageset(tmp_path / "whole", whole)
    with pixels_written(tmp_path / "pieces", whole.image_size) as add:
        for start in range(0, 7, 3):
            add(whole.images[start : start + 3])
    write_rows(tmp_path / "pieces", whole)
    for name in ("images.npy", "rows.csv", "imageset.json"):
        assert (tmp_path / "pieces" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_set_without_images_can_be_written_and_read(tmp_path):
    write_imageset(tmp_path / "none", make(4).subset(np.zeros(4, bool)))
    assert len(read_imageset(tmp_path / "none")) == 0
    assert read_imageset(tmp_path / "none").image_size == make(4).image_size


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_imageset(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_reader_says_which_file_is_wrong_and_why(tmp_path):
    def damaged(name: str, content: bytes | None) -> str:
        write_imageset(tmp_path / "set", make())
        path = tmp_path / "set" / name
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        message = refusal(tmp_path / "set")
        assert str(path) in message
        return message

    write_imageset(tmp_path / "set", make())
    rows = (tmp_path / "set" / "rows.csv").read_bytes()
    images = (tmp_path / "set" / "images.npy").read_bytes()
    assert "missing" in damaged("imageset.json", None)
    assert "not valid JSON" in damaged("imageset.json", b"{")
    assert "not a packed image array" in damaged("images.npy", None)
    assert "not a packed image array" in damaged("images.npy", images[:500])
    assert "not a packed image array" in damaged("images.npy", b"")
    assert "not a table of rows" in damaged("rows.csv", None)
    assert "not a table of rows" in damaged("rows.csv", b"")
    assert "5 rows" in damaged("rows.csv", rows[: rows.rindex(b'"train')])
    assert "label 'other' is not one of the classes" in damaged("rows.csv", rows.replace(b"malignant", b"other"))


def test_a_table_with_ragged_rows_is_refused(tmp_path):
    write_imageset(tmp_path, make())
    text = (tmp_path / "rows.csv").read_text()
    (tmp_path / "rows.csv").write_text(text.replace(",g1,", ","))
    assert str(tmp_path / "rows.csv") in refusal(tmp_path)


def test_a_description_without_its_keys_is_refused(tmp_path):
    write_imageset(tmp_path, make())
    (tmp_path / "imageset.json").write_text(json.dumps({"name": "x"}))
    assert str(tmp_path / "imageset.json") in refusal(tmp_path)


def test_an_array_of_another_shape_or_type_is_refused(tmp_path):
    for images in (np.zeros((5, 8, 8, 3), np.uint8), np.zeros((6, 8, 8, 3), np.float32)):
        write_imageset(tmp_path, make())
        np.save(tmp_path / "images.npy", images)
        assert "expected uint8 6 x 8 x 8 x 3" in refusal(tmp_path)


def test_an_array_of_pickled_objects_is_never_opened(tmp_path):
    write_imageset(tmp_path, make())
    np.save(tmp_path / "images.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert "not a packed image array" in refusal(tmp_path)


def test_the_smallest_class_fills_a_batch_after_validation_rows_are_taken_off():
    assert smallest_class(gan_batch_size=128, validation_share=0.2) == 160
