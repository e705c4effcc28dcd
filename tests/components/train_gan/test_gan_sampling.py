import json

import numpy as np
import pytest

from components.contracts.errors import InputError
from components.generators.sample import draw, load_generator
from components.train_gan.curves import curves_html, write_curves
from components.train_gan.train import train_gan
from components.train_gan.training import GanSettings


@pytest.fixture
def folder(development, tmp_path):
    train_gan(
        development,
        "benign",
        0,
        1,
        16,
        GanSettings(epochs=2, batch_size=6, latent=8, width=4),
        gpus="",
        threads=1,
        checkpoints="",
        generator_folder=tmp_path / "generator",
    )
    return tmp_path / "generator"


@pytest.mark.parametrize("count", [1, 7, 8, 9, 20])
def test_a_smaller_draw_is_the_start_of_a_larger_one(folder, count):
    generator = load_generator(folder)
    all_of_them = draw(generator, 30, seed=4, batch=8)
    assert all_of_them.shape == (30, 16, 16, 3)
    assert all_of_them.dtype == np.uint8
    batches = []
    generator.register_forward_pre_hook(lambda _, latents: batches.append(len(latents[0])))
    assert np.array_equal(draw(generator, count, seed=4, batch=8), all_of_them[:count])
    assert set(batches) == {8}, "rounding may depend on the size of a batch"


def test_drawn_images_differ_from_each_other_and_by_seed(folder):
    generator = load_generator(folder)
    images = draw(generator, 20, seed=4)
    assert len({image.tobytes() for image in images}) == 20
    assert not np.array_equal(images, draw(generator, 20, seed=5))


def test_a_generator_opens_with_its_batch_norm_at_rest(folder):
    generator = load_generator(folder)
    assert not generator.training
    assert generator.main[1].num_batches_tracked == 6


def test_a_broken_generator_is_refused_by_the_name_of_its_file(folder):
    about = json.loads((folder / "gan.json").read_text())
    (folder / "gan.json").write_text(json.dumps(about | {"width": 5}))
    with pytest.raises(InputError, match=r"generator\.safetensors: not the weights of this generator") as error:
        load_generator(folder)
    assert "\n" not in str(error.value)
    (folder / "gan.json").write_text(json.dumps(about))
    (folder / "generator.safetensors").write_bytes(b"half")
    with pytest.raises(InputError, match=r"generator\.safetensors: not the weights"):
        load_generator(folder)
    (folder / "generator.safetensors").unlink()
    with pytest.raises(InputError, match=r"generator\.safetensors: not the weights"):
        load_generator(folder)
    (folder / "gan.json").unlink()
    with pytest.raises(InputError, match=r"gan\.json: the file is missing"):
        load_generator(folder)


def test_the_page_shows_the_losses_and_every_moment(folder, tmp_path):
    write_curves([folder], tmp_path / "curves.html")
    page = (tmp_path / "curves.html").read_text(encoding="utf-8")
    assert page == curves_html([folder])
    assert "GAN of class benign, replicate 0" in page
    for update in json.loads((folder / "gan.json").read_text())["progress_updates"]:
        assert f"<figcaption>update {update}</figcaption>" in page
    assert page.count("data:image/png;base64,") == len(np.load(folder / "progress.npy"))
    assert "<svg" in page
    assert not any(f'{attribute}="http' in page for attribute in ("src", "href"))


def test_the_page_refuses_a_damaged_artifact(folder):
    (folder / "progress.npy").write_bytes(b"half")
    with pytest.raises(InputError, match=r"progress\.npy: missing or damaged"):
        curves_html([folder])


def test_the_page_shows_all_trainings_of_a_pod(folder):
    page = curves_html([folder, folder])
    assert page.count("<h1>GAN of class benign, replicate 0</h1>") == 2
    assert "none was trained" in curves_html([])
