"""The names under which Kubeflow shows what the cells of a loop wrote: by arm, or by class and replicate."""

import json

import yaml


def test_artifacts_of_loops_carry_their_arm_or_class(finished):
    names = set()
    for file in finished[0].glob("artifacts/*/for-loop-*/*/executor_output.json"):
        for output in json.loads(file.read_text())["artifacts"].values():
            names |= {artifact["metadata"].get("display_name") for artifact in output["artifacts"]}
    arms = yaml.safe_load((finished[0] / "parameters.yaml").read_text())["arms"]
    assert names == {
        *(f"{name} {label}/0" for name in ("generator", "curves") for label in ("benign", "malignant")),
        *(f"{name} {arm}" for name in ("models", "evaluation", "classification metrics") for arm in arms),
    }
