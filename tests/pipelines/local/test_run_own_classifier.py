"""A user's own network, trained by the compiled pipeline on seven classes that a table names."""

import csv
import json
import subprocess

import keras
import numpy as np
import pytest
from own_models import residual_model, saved
from small_run import SMALL, command

from components.classifiers.runtime import use_threads
from components.contracts.user_files import file_digest
from pipelines.phantoms.write import write_phantoms

DIAGNOSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


@pytest.fixture(scope="module", autouse=True)
def one_tensorflow_thread():
    """Say so before the first operation, as other tests in this process do."""
    use_threads(1)


@pytest.fixture(scope="module")
def ham(tmp_path_factory):
    """Two folders of pictures of seven classes and their metadata, laid out as HAM10000 is: folder, table."""
    drawn, folder = tmp_path_factory.mktemp("drawn"), tmp_path_factory.mktemp("HAM10000")
    names = write_phantoms(drawn, per_class=16, test_per_class=0, classes=len(DIAGNOSES), size=32)
    rows = []
    for name, diagnosis in zip(names, DIAGNOSES, strict=True):
        for path in sorted(drawn.glob(f"**/{name}/*")):
            image = f"ISIC_{24306 + len(rows):07}"
            part = folder / f"HAM10000_images_part_{1 + len(rows) % 2}"
            part.mkdir(exist_ok=True)
            path.rename(part / f"{image}{path.suffix}")
            rows.append({"lesion_id": f"HAM_{len(rows) // 2:07}", "image_id": image, "dx": diagnosis, "sex": "male"})
    table = folder.parent / "HAM10000_metadata.csv"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder, table


def test_a_residual_network_of_ones_own_learns_seven_classes_from_a_table(ham, tmp_path):
    data, table = ham
    model = saved(tmp_path, residual_model(size=24, units=len(DIAGNOSES)))
    settings = {"arms": "real,oversampled", "table": table, "positive_class": "mel", "classifier": model}
    words = command("--data", data, "--out", tmp_path / "run", **{**SMALL, **settings})
    done = subprocess.run(words, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    digest = file_digest("", model)
    assert f"classifier: mine.keras starts from the weights (SHA-256 {digest[:16]}…)" in done.stdout

    verdict = json.loads((tmp_path / "run/verdict.json").read_text())
    assert verdict["data_set"]["classes"] == list(DIAGNOSES)
    assert verdict["classifier"]["sha256"] == digest
    assert f"mine.keras starts from the weights (SHA-256 {digest[:16]}…)" in (tmp_path / "run/report.html").read_text()
    for arm in verdict["arms"]:
        assert np.shape(arm["mean"]["confusion_matrix"]) == (7, 7)

    trained = next((tmp_path / "run").glob("artifacts/*/*/train-classifier/models/*/replicate-0.keras"))
    network = keras.saving.load_model(trained)
    assert network.input_shape == (None, 32, 32, 3)
    assert network.output_shape == (None, 7)
    # The same body as in the user's file, and a head of its own for seven classes; both learnt.
    kernels = [layer.kernel for layer in residual_model().layers if isinstance(layer, keras.layers.Conv2D)]
    assert {tuple(kernel.shape) for kernel in kernels} <= {tuple(weight.shape) for weight in network.weights}
    head = 8 * 7 + 7
    assert verdict["classifier"]["weights"] == residual_model(top="features").count_params() + head
    assert verdict["classifier"]["trainable_weights"] == verdict["classifier"]["weights"] - 2 * 8  # of batch norm
