"""Near-copies of test images: planted ones are found, real images and other pictures are not."""

import dataclasses
import io
import json

import numpy as np
import pytest
from PIL import Image
from test_gather import write_set

from components.contracts.errors import InputError
from components.contracts.imageset import ImageSet, pixel_digest, read_imageset
from components.contracts.progress import parse
from components.generators.sample import draws
from components.synthesize.copies import CopySearch
from pipelines.phantoms.drawing import draw_phantom

SIZE = 64


def cropped(image: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    size = len(image)
    cut = round(share * size)
    x, y = rng.integers(0, cut + 1, 2)
    part = Image.fromarray(image).crop((x, y, x + size - cut, y + size - cut))
    return np.asarray(part.resize((size, size), Image.Resampling.BICUBIC))


def encoded_anew(image: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=50)
    return np.asarray(Image.open(file).convert("RGB"))


def planted(images: np.ndarray) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)

    def clipped(values: np.ndarray) -> np.ndarray:
        return np.clip(np.round(values), 0, 255).astype(np.uint8)

    copies = {
        "plain": images,
        "flipped": images[:, :, ::-1],
        "turned": np.rot90(images, 1, (1, 2)),
        "noisy": clipped(images + rng.normal(0, 10, images.shape)),
        "brighter": clipped(images + 15.0),
        "encoded anew": np.stack([encoded_anew(image) for image in images]),
    }
    for share in (0.02, 0.05, 0.08):
        copies[f"cropped by {share:.0%}"] = np.stack([cropped(image, share, rng) for image in images])
    both = np.stack([encoded_anew(cropped(image, 0.08, rng)) for image in images])
    return copies | {"cropped, flipped, turned and encoded anew": np.rot90(both[:, :, ::-1], 3, (1, 2))}


def check(search: CopySearch, test: ImageSet, fresh: np.ndarray) -> None:
    """Every kind of copy is found nearly always, with the image it was made of; fresh images hardly ever are."""
    for kind, copies in planted(test.images).items():
        found = search.find(copies)
        assert found.flagged.mean() >= (0.7 if "and" in kind else 0.85 if "cropped" in kind else 0.95), kind
        right = test.sha256[found.matches] == test.sha256
        assert right[found.flagged].mean() >= 0.97, kind
    assert search.find(fresh).flagged.mean() <= 0.02
    assert search.real_flagged <= 0.02 * search.real_images


def test_copies_of_phantoms_are_found_and_other_phantoms_are_not(phantom_set, phantom_test_set):
    def drawn(imageset: ImageSet, start: int, count: int) -> ImageSet:
        images = np.stack([draw_phantom(label, start + i, size=SIZE, seed=0) for label in (0, 1) for i in range(count)])
        return dataclasses.replace(imageset, images=images, sha256=np.array([pixel_digest(image) for image in images]))

    test, development = drawn(phantom_test_set, 100, 30), drawn(phantom_set, 0, 60)
    fresh = drawn(phantom_test_set, 200, 30).images
    check(CopySearch(test, development, 0), test, fresh)


def test_copies_of_real_images_are_found_and_other_real_images_are_not(isic_images, phantom_set):
    images = isic_images[::2]  # neighbours in the list are often of one patient
    parts = np.split(np.random.default_rng(0).permutation(len(images)), [100, 200])
    sets = [
        dataclasses.replace(
            phantom_set,
            images=images[rows],
            groups=rows.astype(str),
            sha256=np.array([pixel_digest(image) for image in images[rows]]),
            **dict.fromkeys(("paths", "labels", "splits", "folds"), rows),
        )
        for rows in parts
    ]
    check(CopySearch(sets[0], sets[2], 0), sets[0], sets[1].images)


def test_blurred_and_averaged_pictures_are_no_copies(phantom_set, phantom_test_set):
    fresh = phantom_set.images.astype(float)
    blended = (fresh + fresh[::-1]) / 2
    flat = np.broadcast_to(fresh.mean((1, 2), keepdims=True), fresh.shape)
    search = CopySearch(phantom_test_set, phantom_set, 0)
    for pictures in (blended, 0.5 * fresh + 0.5 * flat, flat):
        assert search.find(pictures.astype(np.uint8)).flagged.mean() <= 0.01


def copying(monkeypatch, test: ImageSet, every: int) -> None:
    """Make every so-manieth picture of a GAN a flipped test image."""

    def give_back(network, seed):
        number = 0
        for images in draws(network, seed):
            numbers = np.arange(number, number + len(images))
            copies = test.images[numbers // every % len(test), :, ::-1]
            yield np.where((numbers % every == 0)[:, None, None, None], copies, images)
            number += len(images)

    monkeypatch.setattr("components.synthesize.synthesize.draws", give_back)


def copies_of(folder) -> dict:
    return json.loads((folder / "copies.json").read_text())


def test_the_next_pictures_take_the_places_of_copies(run_gans, phantom_test_set, monkeypatch, capsys):
    plain = read_imageset(run_gans("plain")[0])
    copying(monkeypatch, phantom_test_set, every=6)
    folder, report = run_gans("copying")
    synthetic, said = read_imageset(folder), copies_of(report)
    assert len(synthetic) == len(plain)
    kept = [i for i in range(72) if i % 6]
    assert np.array_equal(synthetic.images[: len(kept)], plain.images[:72][kept])
    assert synthetic.paths[:2].tolist() == ["benign/gan-0/000001", "benign/gan-0/000002"]  # numbers of the draw
    first = said["generators"][0]
    assert (first["class"], first["generator"], first["source"]) == ("benign", "gan-0", "gan")
    assert (first["copies"], first["left_out"], first["images"]) == (15, 15, 87)
    assert first["pairs"][0]["test_path"] == str(phantom_test_set.paths[0])
    assert len(first["pairs"]) == 10
    warnings = [event.text for event in map(parse, capsys.readouterr().out.splitlines()) if event]
    assert "gan-0: 15 of 87 pictures of benign are near-copies of test images: left out (on_leak: drop)" in warnings


def test_copies_are_kept_and_counted_where_that_is_wanted(run_gans, phantom_test_set, monkeypatch):
    copying(monkeypatch, phantom_test_set, every=6)
    folder, report = run_gans(on_leak="keep")
    synthetic, said = read_imageset(folder), copies_of(report)
    assert np.array_equal(synthetic.images[0], phantom_test_set.images[0, :, ::-1])
    assert said["policy"] == "keep"
    assert [(one["copies"], one["left_out"]) for one in said["generators"]] == [(12, 0)] * 4


def test_a_run_is_refused_where_copies_must_not_be(run_gans, phantom_test_set, monkeypatch):
    copying(monkeypatch, phantom_test_set, every=6)
    with pytest.raises(InputError, match=r"on_leak: gan-0: benign/gan-0, draw 0 \(benign\) is a near-copy of the test"):
        run_gans(on_leak="fail")


def test_a_gan_that_draws_nothing_else_is_refused(run_gans, phantom_test_set, monkeypatch):
    copying(monkeypatch, phantom_test_set, every=1)
    with pytest.raises(InputError, match=r"on_leak: 144 of 144 pictures of benign that gan-0 drew are near-copies"):
        run_gans()


def test_a_set_of_nothing_else_is_refused_and_that_is_said(run_sets, phantom_test_set, tmp_path):
    folder = tmp_path / "leaked"
    write_set(folder, benign=0, malignant=40)
    (folder / "benign").mkdir(exist_ok=True)
    for row in np.flatnonzero(phantom_test_set.labels == 0):
        Image.fromarray(phantom_test_set.images[row, ::-1]).save(folder / "benign" / f"{row}.png")
    with pytest.raises(InputError, match=r"on_leak: leaked holds nothing but copies of the test images: all .* benign"):
        run_sets({"leaked": str(folder)}, "leaked:all")


def test_copies_in_a_set_are_passed_over(run_sets, phantom_test_set, tmp_path):
    folder = tmp_path / "diffusion"
    write_set(folder, benign=80, malignant=80)
    for number, row in enumerate(np.flatnonzero(phantom_test_set.labels == 1)[:10]):
        Image.fromarray(np.rot90(phantom_test_set.images[row])).save(folder / "malignant" / f"copy-{number}.png")
    found, _ = run_sets({"diffusion": str(folder)}, "diffusion:all")
    assert not [path for path in found.paths if "copy" in path]
    said = copies_of(tmp_path / "report")["generators"]
    assert {one["class"]: (one["images"], one["copies"]) for one in said} == {"benign": (80, 0), "malignant": (90, 10)}
    assert not np.isin(found.sha256, phantom_test_set.sha256).any()
    kept, _ = run_sets({"diffusion": str(folder)}, "diffusion:all", on_leak="keep")
    assert len([path for path in kept.paths if "copy" in path]) == 10


def test_copies_of_external_images_are_passed_over_and_counted_by_themselves(run_sets, phantom_test_set, tmp_path):
    folder = tmp_path / "diffusion"
    write_set(folder, benign=80, malignant=80)
    external = dataclasses.replace(phantom_test_set, images=phantom_test_set.images[:, ::-1, ::-1].copy())
    own, elsewhere = phantom_test_set.subset(np.arange(0, 60, 2)), external.subset(np.arange(1, 60, 2))
    elsewhere = dataclasses.replace(elsewhere, splits=np.full(30, "hospital_b"))
    for number in range(5):
        Image.fromarray(elsewhere.images[number]).save(folder / "malignant" / f"copy-{number}.png")
    found, _ = run_sets({"d": str(folder)}, "d:all", external=elsewhere, test=own)
    assert not [path for path in found.paths if "copy" in path]
    said = copies_of(tmp_path / "report")
    assert sum(one["copies"] for one in said["generators"]) == 0
    assert sum(one["copies"] for one in said["external"]["hospital_b"]["generators"]) == 5
    with pytest.raises(InputError, match=r"near-copy of the test image .* of the external test set hospital_b"):
        run_sets({"d": str(folder)}, "d:all", external=elsewhere, test=own, on_leak="fail")
