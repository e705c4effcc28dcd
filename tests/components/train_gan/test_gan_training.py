import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from components.contracts import progress
from components.contracts.errors import InputError
from components.generators.device import precision_of
from components.generators.networks import from_pixels
from components.generators.sample import load_generator
from components.train_gan.batches import batch_sizes, batches, training_pixels, turned
from components.train_gan.graphed import WARM_UPS
from components.train_gan.record import progress_moments
from components.train_gan.train import train_gan
from components.train_gan.training import GanSettings, Training

SETTINGS = GanSettings(epochs=3, batch_size=6, latent=8, width=4)


def train(development, folder, settings=SETTINGS, class_name="malignant", replicate=0, seed=5, gpus="", threads=1):
    train_gan(
        development,
        class_name,
        replicate,
        seed,
        development.image_size,
        settings,
        gpus=gpus,
        threads=threads,
        checkpoints="",
        generator_folder=folder,
    )
    return folder


def same_files(one, other):
    names = ("generator.safetensors", "losses.csv", "progress.npy")
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_the_artifact_is_as_the_contract_has_it(development, tmp_path):
    folder = train(development, tmp_path / "generator")
    about = json.loads((folder / "gan.json").read_text())
    assert about.pop("images_per_second") > 0
    losses = list(csv.DictReader((folder / "losses.csv").open()))
    final = {name: np.mean([float(row[name]) for row in losses[-3:]]) for name in ("loss_d", "loss_g")}
    assert about.pop("final") == pytest.approx(final)
    assert about == {
        "class": "malignant",
        "replicate": 0,
        "seed": 5,
        "epochs": 3,
        "updates": 9,
        "images": 15,
        "image_size": 16,
        "precision": "float32",
        "latent": 8,
        "width": 4,
        "progress_updates": [0, 1, 2, 3, 5, 9],
    }
    assert [int(row["update"]) for row in losses] == list(range(1, 10))
    assert all(0 < float(row[name]) < 1 for row in losses for name in ("score_real", "score_fake"))
    pictures = np.load(folder / "progress.npy", allow_pickle=False)
    assert pictures.shape == (6, 16, 16, 16, 3)
    assert pictures.dtype == np.uint8
    assert all(moment.std() > 1 for moment in pictures)
    assert sorted(path.name for path in folder.iterdir()) == [
        "gan.json",
        "generator.safetensors",
        "losses.csv",
        "progress.npy",
    ]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_gives_the_same_bits(development, tmp_path, threads):
    settings = replace(SETTINGS, epochs=1)
    one = train(development, tmp_path / "one", settings, threads=threads)
    assert same_files(one, train(development, tmp_path / "two", settings, threads=threads))
    assert not same_files(one, train(development, tmp_path / "three", settings, seed=6, threads=threads))


def test_only_rows_of_the_class_outside_the_validation_fold_are_learnt_from(development, tmp_path):
    seen = training_pixels(development, "malignant", 1, 16)
    rows = (development.labels == 1) & (development.folds != 1)
    assert np.array_equal(seen, development.images[rows])
    images = development.images.copy()
    images[~rows] = 0
    others_changed = replace(development, images=images)
    one, two = (train(data, tmp_path / str(i), replicate=1) for i, data in enumerate([development, others_changed]))
    assert same_files(one, two)
    images[np.flatnonzero(rows)[0]] = 0
    assert not same_files(one, train(others_changed, tmp_path / "three", replicate=1))


def test_a_last_batch_is_kept_unless_it_is_a_single_image():
    sizes = {20: [6, 6, 6, 2], 18: [6, 6, 6], 19: [6, 6, 7], 5: [5]}
    assert {images: batch_sizes(images, 6, whole_passes=True) for images in sizes} == sizes


def test_updates_that_are_counted_are_worth_the_same():
    sizes = {20: [6, 6, 6], 18: [6, 6, 6], 7: [6], 5: [5]}
    assert {images: batch_sizes(images, 6, whole_passes=False) for images in sizes} == sizes


def test_an_epoch_shows_each_image_once_in_an_order_of_its_own():
    pixels = torch.arange(13, dtype=torch.uint8).reshape(13, 1, 1, 1).expand(13, 4, 4, 3)
    rng = torch.Generator().manual_seed(1)
    orders = []
    for _ in range(2):
        epoch = list(batches(pixels, [4, 4, 5], 8, False, rng))
        assert [(len(real), len(latents)) for real, latents in epoch] == [(4, 4), (4, 4), (5, 5)]
        orders.append(torch.cat([real[:, 0, 0, 0] for real, _ in epoch]).add(1).mul(127.5).round().int().tolist())
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(13))
    assert orders[0] != orders[1]


def test_flips_reach_all_8_symmetries_of_the_square():
    pixels = torch.arange(27, dtype=torch.uint8).reshape(1, 3, 3, 3).expand(8, 3, 3, 3)
    turns = torch.tensor([[i & 1, i & 2, i & 4] for i in range(8)]).bool()[:, :, None, None, None]
    expected = {np.rot90(p, k).tobytes() for p in (pixels[0].numpy(), pixels[0].numpy()[:, ::-1]) for k in range(4)}
    assert {image.numpy().tobytes() for image in turned(pixels, turns)} == expected
    assert len(expected) == 8


def test_an_update_is_that_of_the_dcgan_tutorial(development):
    """The tutorial's loop, written out: probabilities, BCELoss, two batches apart, then the generator."""
    ours = Training(SETTINGS, 16, seed=3, device=torch.device("cpu"))
    tutorial = Training(SETTINGS, 16, seed=3, device=torch.device("cpu"))
    generator, discriminator = tutorial.generator, tutorial.discriminator
    adam_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    adam_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    criterion = torch.nn.BCELoss()
    rng = torch.Generator().manual_seed(0)
    for _ in range(3):
        real, latents = from_pixels(torch.from_numpy(development.images[:6])), torch.randn(6, 8, 1, 1, generator=rng)
        discriminator.zero_grad()
        output_real = discriminator(real).view(-1)
        loss_real = criterion(output_real, torch.ones(6))
        loss_real.backward()
        synthetic = generator(latents)
        output_synthetic = discriminator(synthetic.detach()).view(-1)
        loss_synthetic = criterion(output_synthetic, torch.zeros(6))
        loss_synthetic.backward()
        adam_d.step()
        generator.zero_grad()
        loss_g = criterion(discriminator(synthetic).view(-1), torch.ones(6))
        loss_g.backward()
        adam_g.step()
        expected = torch.stack([loss_real + loss_synthetic, loss_g, output_real.mean(), output_synthetic.mean()])
        torch.testing.assert_close(ours.update(real, latents), expected.detach(), rtol=1e-4, atol=1e-5)
    for name, value in generator.state_dict().items():
        torch.testing.assert_close(ours.generator.state_dict()[name], value, rtol=1e-3, atol=2e-5)


def test_pictures_leave_the_training_untouched():
    training = Training(SETTINGS, 16, seed=3, device=torch.device("cpu"))
    training.update(torch.rand(4, 3, 16, 16), torch.randn(4, 8, 1, 1))
    before = {name: value.clone() for name, value in training.tensors().items()}
    training.pictures()
    assert all(torch.equal(value, before[name]) for name, value in training.tensors().items())


def test_a_running_mean_of_the_generator_is_written_in_its_place(development, tmp_path):
    plain = load_generator(train(development, tmp_path / "plain"))
    averaged = load_generator(train(development, tmp_path / "mean", replace(SETTINGS, average=0.9)))
    losses = [(tmp_path / name / "losses.csv").read_bytes() for name in ("plain", "mean")]
    assert losses[0] == losses[1]
    for mean, last in zip(averaged.parameters(), plain.parameters(), strict=True):
        assert not torch.equal(mean, last)


def test_the_running_mean_is_one():
    training = Training(replace(SETTINGS, average=0.5), 16, seed=0, device=torch.device("cpu"))
    weight = training.generator.main[0].weight
    expected = weight.detach().clone()
    for update in range(1, 13):
        training.update(torch.rand(4, 3, 16, 16), torch.randn(4, 8, 1, 1))
        decay = min(0.5, update / (update + 9))
        expected = decay * expected + (1 - decay) * weight.detach()
    torch.testing.assert_close(training.averaged.main[0].weight, expected)


def test_progress_moments_double_up_to_the_end():
    assert progress_moments(640) == [0, 10, 20, 40, 80, 160, 320, 640]
    assert progress_moments(3) == [0, 1, 2, 3]
    assert progress_moments(1) == [0, 1]


def test_progress_is_reported_seldom_and_at_the_end(development, tmp_path, capsys):
    train(development, tmp_path / "generator", replace(SETTINGS, epochs=30))
    events = [progress.parse(line) for line in capsys.readouterr().out.splitlines()]
    assert len(events) < 15
    last = events[-1]
    assert (last.kind, last.stage, last.cell, last.done, last.planned, last.unit) == (
        "progress",
        "train_gan",
        "malignant/0",
        90,
        90,
        "updates",
    )
    assert list(last.figures) == ["loss_d", "loss_g", "images_per_second"]


def test_losses_that_are_not_finite_stop_the_training_and_name_the_parameter(development, tmp_path):
    with pytest.raises(
        InputError, match=r"gan_learning_rate: the losses of malignant/0 .* update 1; lower it"
    ) as error:
        train(development, tmp_path / "generator", replace(SETTINGS, learning_rate=1e30))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "generator").exists()


def test_an_unknown_class_and_too_few_images_are_refused(development, tmp_path):
    with pytest.raises(InputError, match="no class 'naevus'"):
        train(development, tmp_path / "generator", class_name="naevus")
    few = replace(development, labels=np.where(np.arange(40) == 1, 1, 0))
    with pytest.raises(InputError, match=r"data_set: malignant: \d images to learn from"):
        train(few, tmp_path / "generator")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused(development, tmp_path):
    with pytest.raises(InputError, match="^gpus: 1 asked for, but this machine has none"):
        train(development, tmp_path / "generator", gpus="1")
    train(development, tmp_path / "generator", replace(SETTINGS, epochs=1), gpus="0")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_trains_from_the_same_random_numbers_first_by_itself_and_then_as_a_graph(development, tmp_path):
    settings = replace(SETTINGS, epochs=0, updates=3 * WARM_UPS, flips=True, average=0.9)
    train(development, tmp_path / "gpu", settings, gpus="1")
    train(development, tmp_path / "cpu", settings)
    gpu, cpu = (np.loadtxt(tmp_path / name / "losses.csv", delimiter=",", skiprows=1) for name in ("gpu", "cpu"))
    np.testing.assert_allclose(gpu, cpu, rtol=0.02)


def test_small_and_large_classes_get_the_same_updates(development, tmp_path):
    settings = GanSettings(updates=7, batch_size=6, latent=8, width=4)
    few = replace(development, labels=np.where(np.arange(40) < 24, 1, 0))
    for name, classes, images, passes in (("small", development, 15, 2.8), ("large", few, 18, 2.3)):
        about = json.loads((train(classes, tmp_path / name, settings) / "gan.json").read_text())
        assert (about["updates"], about["images"], about["epochs"]) == (7, images, passes)
        assert len((tmp_path / name / "losses.csv").read_text().splitlines()) == 8


def test_a_gan_may_draw_smaller_pictures_than_its_data_set_has(development, tmp_path):
    larger = replace(development, images=development.images.repeat(2, axis=1).repeat(2, axis=2))
    folder = tmp_path / "generator"
    train_gan(larger, "malignant", 0, 5, 16, SETTINGS, gpus="", threads=1, checkpoints="", generator_folder=folder)
    assert same_files(folder, train(development, tmp_path / "small"))
    assert json.loads((folder / "gan.json").read_text())["image_size"] == 16


def test_bfloat16_keeps_weights_and_moments_in_float32_and_comes_close_to_float32(development, tmp_path):
    trainings = [
        Training(replace(SETTINGS, precision=precision, average=0.9), 16, seed=3, device=torch.device("cpu"))
        for precision in ("float32", "bfloat16")
    ]
    rng = torch.Generator().manual_seed(0)
    for _ in range(3):
        real = from_pixels(torch.from_numpy(development.images[:6]))
        latents = torch.randn(6, 8, 1, 1, generator=rng)
        exact, half = (training.update(real, latents) for training in trainings)
        assert half.dtype == torch.float32
        torch.testing.assert_close(half, exact, rtol=0.05, atol=0.05)
        assert not torch.equal(half, exact)
    assert {value.dtype for name, value in trainings[1].tensors().items() if "weight" in name or "exp" in name} == {
        torch.float32
    }


@pytest.mark.parametrize(("has_it", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_precision_is_that_of_the_processor_unless_it_is_given(monkeypatch, has_it, precision):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": has_it, "avx512_bf16": True})
    assert precision_of("auto", torch.device("cpu")) == precision
    assert {given: precision_of(given, torch.device("cpu")) for given in ("float32", "bfloat16")} == {
        "float32": "float32",
        "bfloat16": "bfloat16",
    }


def test_the_precision_that_was_found_is_said(development, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    folder = train(development, tmp_path / "generator", replace(SETTINGS, epochs=1, precision="auto"))
    assert json.loads((folder / "gan.json").read_text())["precision"] == "bfloat16"
