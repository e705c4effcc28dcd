"""The user's own synthetic images: what is taken, in which order, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.contracts.errors import InputError
from components.contracts.progress import parse
from components.synthesize import gather
from pipelines.cluster.upload import plan_upload, upload


def write_set(folder, benign=80, malignant=80, size=40):
    for label, count in {"benign": benign, "malignant": malignant}.items():
        (folder / label).mkdir(parents=True)
        for i in range(count):
            pixels = np.random.default_rng([i, *label.encode()]).integers(0, 256, (size, size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{i:03}.png")
    return str(folder)


def test_a_set_may_lie_in_a_bucket_with_the_table_of_its_labels(run_sets, tmp_path, bucket):
    """As `gansweep upload` brings it there."""
    rows = ["image,label"]
    (tmp_path / "flat").mkdir()
    for path in sorted(Path(write_set(tmp_path / "d")).rglob("*.png")):
        rows.append(f"{path.parent.name}-{path.name},{path.parent.name}")
        path.rename(tmp_path / "flat" / f"{path.parent.name}-{path.name}")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    here, _ = run_sets({"d": {"images": str(tmp_path / "flat"), "table": str(tmp_path / "t.csv")}}, "d:10")
    assert np.bincount(here.labels).tolist() == [60, 60]
    assert all(path.split("/")[2].startswith(path.split("/")[0]) for path in here.paths)
    address = f"{bucket.address}/made"
    for source, target in ((tmp_path / "flat", address), (tmp_path / "t.csv", f"{address}.csv")):
        upload(plan_upload(source, target, str(tmp_path / "t.csv")), lambda name, size, sent: None)
    there, _ = run_sets({"d": {"images": address, "table": f"{address}.csv"}}, "d:10")
    assert np.array_equal(there.images, here.images)
    assert there.paths.tolist() == here.paths.tolist()


def test_every_replicate_can_have_images_of_its_own_and_the_audit_enough(run_sets, tmp_path):
    folder = write_set(tmp_path / "diffusion")
    found, said = run_sets({"diffusion": folder}, "diffusion:10")
    assert np.bincount(found.labels).tolist() == [60, 60]  # as many as there are real ones
    more, _ = run_sets({"diffusion": folder}, "diffusion:35")
    assert np.bincount(more.labels).tolist() == [70, 70]  # two replicates of 35
    everything, _ = run_sets({"diffusion": folder}, "diffusion:all")
    assert np.bincount(everything.labels).tolist() == [80, 80]
    assert (said[0]["source"], said[0]["generator"], said[0]["files"], said[0]["images"]) == (
        "diffusion",
        "diffusion-0",
        80,
        60,
    )


def test_rows_say_where_they_come_from_and_pixels_are_the_files(run_sets, tmp_path):
    first, second = write_set(tmp_path / "first"), write_set(tmp_path / "second", 70, 70)
    found, _ = run_sets({"diffusion": [first, second], "simulator": write_set(tmp_path / "third")}, "diffusion:5")
    assert found.generators_of("diffusion") == ["diffusion-0", "diffusion-1"]
    assert found.generators_of("simulator") == ["simulator-0"]
    for row in (0, 70, 200):
        label, generator, inner, name = found.paths[row].split("/")
        assert (label, generator) == (found.classes[found.labels[row]], found.groups[row])
        folder = {"diffusion-0": "first", "diffusion-1": "second", "simulator-0": "third"}[generator]
        picture = Image.open(tmp_path / folder / inner / name).resize((32, 32), Image.Resampling.BOX)
        assert np.abs(np.asarray(picture, int) - found.images[row]).mean() < 40
    assert len(set(found.paths.tolist())) == len(found)


def test_the_order_is_random_and_fixed_by_the_seed(run_sets, tmp_path):
    folder = write_set(tmp_path / "diffusion")
    first, again, other = (run_sets({"d": folder}, "d:10", seed=seed)[0].paths.tolist() for seed in (3, 3, 4))
    assert first == again != other
    assert sorted(first) != first


def test_the_order_does_not_depend_on_how_many_are_read_at_a_time(run_sets, tmp_path, monkeypatch):
    folder = write_set(tmp_path / "diffusion")
    (tmp_path / "diffusion" / "benign" / "007.png").write_bytes(b"no image")
    whole, _ = run_sets({"d": folder}, "d:30")
    monkeypatch.setattr(gather, "CHUNK", 7)
    pieces, said = run_sets({"d": folder}, "d:30")
    assert np.array_equal(whole.images, pieces.images)
    assert whole.paths.tolist() == pieces.paths.tolist()
    assert all("007" not in path for path in pieces.paths if path.startswith("benign"))


def test_files_that_are_no_images_are_passed_over_and_said(run_sets, tmp_path, capsys):
    folder = write_set(tmp_path / "diffusion", 62, 62)
    for i in range(4):
        (tmp_path / "diffusion" / "malignant" / f"{i:03}.png").write_bytes(b"no image")
    found, said = run_sets({"d": folder}, "d:20")
    assert np.bincount(found.labels).tolist() == [60, 58]
    assert len(said[1]["refused"]) == 4
    events = [event for event in map(parse, capsys.readouterr().out.splitlines()) if event]
    [warning] = [event.text for event in events if event.kind == "warning"]
    assert warning.startswith("d: 4 files of malignant left out, first malignant/00")


def test_a_set_of_which_too_many_files_are_no_images_is_refused(run_sets, tmp_path):
    folder = write_set(tmp_path / "diffusion", 62, 62)
    for i in range(20):
        (tmp_path / "diffusion" / "malignant" / f"{i:03}.png").write_bytes(b"no image")
    with pytest.raises(InputError, match="synthetic_sets: d: 20 of 62 files of class"):
        run_sets({"d": folder}, "d:20")


def test_a_set_that_turns_out_too_small_for_an_arm_is_refused(run_sets, tmp_path):
    folder = write_set(tmp_path / "diffusion", 62, 62)
    for i in range(4):
        (tmp_path / "diffusion" / "malignant" / f"{i:03}.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"d: 58 images of malignant can be taken, an arm wants 60 \(4 files refused"):
        run_sets({"d": folder}, "d:60")


def test_without_sets_and_gans_the_synthetic_set_is_empty(run_sets):
    found, said = run_sets({}, "balanced")
    assert (len(found), found.image_size, said) == (0, 32, [])
