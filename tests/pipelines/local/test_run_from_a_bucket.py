"""The whole pipeline on a data set in object storage."""

import json
import os
import subprocess
import sys

from small_run import SMALL, command

from pipelines.phantoms.write import write_phantoms


def test_data_in_a_bucket_give_the_verdict_of_the_same_folder(finished, phantoms, bucket, tmp_path):
    address = f"{bucket.address}/data/phantoms"
    upload = [sys.executable, "-m", "pipelines", "upload", str(phantoms), address]
    subprocess.run(upload, check=True, capture_output=True, timeout=120)
    elsewhere = f"{bucket.address}/data/elsewhere"
    write_phantoms(tmp_path / "elsewhere", per_class=6, test_per_class=0, size=32, seed=1)
    upload = [sys.executable, "-m", "pipelines", "upload", str(tmp_path / "elsewhere"), elsewhere]
    subprocess.run(upload, check=True, capture_output=True, timeout=120)
    words = command("--data", address, "--external", f"b={elsewhere}", "--out", tmp_path / "run", **SMALL)
    done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr

    verdicts = [json.loads((folder / "verdict.json").read_text()) for folder in (tmp_path / "run", finished[0])]
    (there,) = verdicts[0]["external_test_sets"]
    assert (there["name"], there["counts"]) == ("b", {"benign": 6, "malignant": 6})
    assert there["answer"].startswith("On b (12 images) there is no verdict either.")
    for verdict in verdicts:
        del verdict["parameters"]["data_set"], verdict["parameters"]["external_test_sets"]
        del verdict["external_test_sets"]
        for gan in verdict["gans"]:
            gan.pop("images_per_second")
    assert verdicts[0] == verdicts[1]

    secret = os.environ["GANSWEEP_S3_SECRET_KEY"].encode()
    written = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert len(written) > 20
    assert not [path for path in written if secret in path.read_bytes()]


def test_a_bucket_that_cannot_be_reached_is_refused_in_one_line_before_anything_runs(bucket, tmp_path):
    words = command("--data", "minio://gansweep-no-such-bucket/x", "--out", tmp_path / "run", **SMALL)
    done = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "there is no bucket 'gansweep-no-such-bucket'" in done.stderr
    assert not (tmp_path / "run").exists()
