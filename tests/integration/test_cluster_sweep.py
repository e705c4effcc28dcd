"""A sweep in the cluster, placed as submit places its runs: it ends in one verdict, and repeats nothing."""

import json
import os
import subprocess
import sys

import yaml
from on_cluster import OVERLAY, REGISTRY, ROOT, SETTINGS, objects


def test_a_sweep_ends_in_one_verdict_and_submits_nothing_twice(data, tmp_path):
    file = tmp_path / "doses.yaml"
    described = {"data_set": data, "preset": "demo", "ratios": ["25%", "50%"], "classes": 2, "set": SETTINGS}
    file.write_text(yaml.safe_dump(described | {"grid": {"classifier_dropout": [0.1, 0.3]}, "runs_at_once": 2}))
    out = tmp_path / "out"
    command = [sys.executable, "-m", "pipelines", "sweep", str(file), "--cluster", "--out", str(out)]
    command += [
        "--preset",
        f"manifests/overlays/{OVERLAY}/parameters.yaml",
        "--registry",
        REGISTRY,
        "--tag",
        os.environ["TAG"],
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    joined = json.loads((out / "sweep.json").read_text())
    assert {point["point"] for point in joined["points"]} == {"classifier_dropout=0.1", "classifier_dropout=0.3"}
    before = {one["metadata"]["name"] for one in objects("workflows.argoproj.io")}
    subprocess.run(command, cwd=ROOT, check=True)
    assert {one["metadata"]["name"] for one in objects("workflows.argoproj.io")} == before
    if OVERLAY == "kind":
        gans = objects("pods", "--selector", "gansweep/stage=train-gan")
        assert all(pod["spec"]["nodeSelector"] == {"gansweep/gpu": "true"} for pod in gans)
