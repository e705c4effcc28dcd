"""How the tests here look at the cluster of the current kubeconfig, and run targets of the Makefile against it."""

import base64
import json
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMESPACE = "kubeflow"
OVERLAY = os.environ.get("OVERLAY") or "kind"
REGISTRY = os.environ.get("REGISTRY") or "gansweep"
# Long enough for a checkpoint to be written and the pod to be killed after it.
UPDATES = 4500
SETTINGS = {"gan_updates": UPDATES, "gan_checkpoint_updates": 75, "gan_batch_size": 8, "gan_precision": "float32"}
VICTIM = "malignant"


@dataclass
class Run:
    """A submitted run: its id, the folder of its results, and the GAN pods seen meanwhile, by name."""

    id: str
    folder: Path
    pods: dict[str, dict] = field(default_factory=dict)
    killed: str = ""
    killed_at_update: int = 0


def kubectl(*words: object) -> str:
    """Run kubectl and return what it prints."""
    return subprocess.check_output(["kubectl", *map(str, words)], text=True, timeout=120)


def objects(kind: str, *words: object) -> list[dict]:
    """Return the objects of a kind in the namespace of the pipelines, by name."""
    return json.loads(kubectl("get", kind, "--namespace", NAMESPACE, "--output", "json", *words))["items"]


def secret(name: str) -> dict[str, str]:
    """Return the contents of a Secret."""
    (found,) = [item for item in objects("secrets") if item["metadata"]["name"] == name]
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}


def make(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a target of the Makefile; what it prints is shown if the test fails."""
    variables = {"OVERLAY": OVERLAY, "REGISTRY": os.environ.get("REGISTRY", "")} | variables
    settings = [f"{name}={value}" for name, value in variables.items()]
    done = subprocess.run(["make", *words, *settings], cwd=ROOT, capture_output=True, text=True)
    print(done.stdout, done.stderr, sep="\n")
    return done


def log(pod: str) -> str:
    """Return what a stage's pod said, "" if it is gone."""
    words = ["kubectl", "logs", pod, "--container", "main", "--namespace", NAMESPACE]
    return subprocess.run(words, capture_output=True, text=True, timeout=120).stdout


def sets(**settings: object) -> list[str]:
    return [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]


def submit(data: str, folder: Path, watch=lambda run_id: None, **settings: object) -> str:
    """Submit the demo preset, call `watch` with the run's id until the run has ended, and return its first id."""
    preset = ["--preset", "demo", "--preset", f"manifests/overlays/{OVERLAY}/parameters.yaml"]
    command = [sys.executable, "-m", "pipelines", "submit", "--data", data, *preset, *sets(**SETTINGS | settings)]
    command += ["--registry", REGISTRY, "--tag", os.environ["TAG"], "--wait", "--out", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()
    started = re.compile(r"/runs/details/([0-9a-f-]+)")
    while process.poll() is None:
        if known := started.search("".join(lines)):
            watch(known[1])
        time.sleep(1)
    reader.join()
    assert process.returncode == 0, "".join(lines)
    return started.search("".join(lines))[1]
