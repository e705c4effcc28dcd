"""How the tests here look at the cluster of the current kubeconfig, and run targets of the Makefile against it."""

import base64
import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMESPACE = "kubeflow"
OVERLAY = os.environ.get("OVERLAY") or "kind"
REGISTRY = os.environ.get("REGISTRY") or "gansweep"


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
