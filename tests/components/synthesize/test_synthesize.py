import dataclasses
import json

import numpy as np
import pytest

from components.contracts.errors import InputError
from components.contracts.imageset import read_imageset
from components.contracts.progress import parse
from components.generators.sample import draw, load_generator


def test_the_stage_writes_the_set_and_the_report(run_gans, phantom_set, capsys):
    set_folder, report_folder = run_gans()
    synthetic = read_imageset(set_folder)
    assert len(synthetic) == 2 * 2 * 72  # 150% of 48 real images outside a fold, the most any arm takes
    assert (synthetic.notice, synthetic.positive_class) == (phantom_set.notice, "malignant")
    assert synthetic.paths[[0, 72, 144, 287]].tolist() == [
        "benign/gan-0/000000",
        "benign/gan-1/000000",
        "malignant/gan-0/000000",
        "malignant/gan-1/000071",
    ]
    assert set(synthetic.splits) == {"synthetic"}
    assert set(synthetic.folds) == {-1}
    assert len(set(synthetic.sha256)) == len(synthetic)  # no two generators draw from one seed
    assert len(synthetic.synthetic_rows(1, "gan-1", 72, replicate=0)) == 72

    cells = [("benign", 0), ("benign", 1), ("malignant", 0), ("malignant", 1)]
    for name, replicate in cells:
        copied = report_folder / "gans" / f"{name}-{replicate}"
        assert {path.name for path in copied.iterdir()} == {"gan.json", "losses.csv", "progress.npy"}
        assert json.loads((copied / "gan.json").read_text())["class"] == name

    events = [event for event in map(parse, capsys.readouterr().out.splitlines()) if event]
    assert {event.unit for event in events} == {"generators"}
    assert all(event.done <= event.planned for event in events)


def test_the_same_seed_writes_the_same_bits(run_gans):
    (first_set, first_report), (second_set, second_report) = run_gans("first"), run_gans("second")
    for first, second in ((first_set, second_set), (first_report, second_report)):
        names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
        assert names == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
        for name in names:
            assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_smaller_arms_take_the_start_of_what_larger_ones_take(run_gans):
    small, large = read_imageset(run_gans("small", arms=["real", "gan:70"])[0]), read_imageset(run_gans("large")[0])
    for label in (0, 1):
        rows = small.synthetic_rows(label, "gan-1", 70, 0), large.synthetic_rows(label, "gan-1", 70, 0)
        assert np.array_equal(small.images[rows[0]], large.images[rows[1]])


def test_enough_is_drawn_to_audit_when_no_arm_takes_any(run_gans, phantom_set):
    synthetic = read_imageset(run_gans(arms=["real", "traditional"])[0])
    assert synthetic.counts() == {"benign": 120, "malignant": 120}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": np.arange(120) // 110}, "malignant has 10 development images"),
        ({"groups": np.full(120, "one")}, "benign has too few groups"),
        ({"folds": np.repeat([1, 0], 60)}, "benign has too few groups"),
    ],
)
def test_classes_too_small_to_audit_are_refused_before_any_work(run_gans, phantom_set, tmp_path, changed, message):
    with pytest.raises(InputError, match=message):
        run_gans(development=dataclasses.replace(phantom_set, **changed))
    assert not (tmp_path / "first").exists()


def test_images_are_drawn_by_the_trained_network(run_gans, tmp_path):
    synthetic = read_imageset(run_gans()[0])
    network = load_generator(tmp_path / "generator-benign-0-32")
    assert synthetic.images[:90].std() == pytest.approx(draw(network, 90, 0).std(), rel=0.2)
