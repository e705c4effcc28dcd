"""make audit-cluster: open doors and closed ones."""

import re

import kubernetes_validate
import yaml

CLOSED = {"ml-pipeline:8888", "ml-pipeline-ui:80", "mysql:3306", "metadata-envoy-service:9090"}


def test_audit_tells_open_doors_from_closed_ones_and_leaves_nothing(machine):
    ran = machine.run("audit")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[-1] == "audit-cluster: all doors and images are as they should be"
    stage = {line.split()[2]: line.split()[-1] for line in lines if re.match(r"a stage +[\w-]+:\d", line)}
    assert {door for door, found in stage.items() if found == "closed"} == CLOSED
    assert machine.changes()[-2:] == [
        "kubectl delete pod --namespace kubeflow --selector gansweep/audit --ignore-not-found --wait=false",
        "kubectl delete namespace gansweep-audit --ignore-not-found --wait=false",
    ]
    for pod in (machine.folder / "pods").iterdir():
        kubernetes_validate.validate(yaml.safe_load(pod.read_text()), "1.36", strict=True)


def test_audit_fails_on_a_door_that_is_open(machine):
    (machine.folder / "opened").write_text("mysql.kubeflow:3306")
    ran = machine.run("audit")
    assert ran.returncode == 1
    [marked] = [line for line in ran.stdout.splitlines() if "<--" in line]
    assert re.fullmatch(r"another namespace +mysql\.kubeflow:3306 +open +<-- should be closed", marked)


def test_audit_fails_on_an_image_whose_tag_was_moved(machine):
    (machine.folder / "known").write_text("mysql:8.4 sha256:1\nenvoy:1 sha256:2\n")
    (machine.folder / "running").write_text("mysql:8.4 mysql@sha256:3\nenvoy:1 envoy@sha256:2\n")
    ran = machine.run("audit")
    assert ran.returncode == 1
    rows = [line.split()[2:] for line in ran.stdout.splitlines() if line.startswith("an image ")]
    assert rows == [["mysql:8.4", "another", "<--", "should", "be", "same"], ["envoy:1", "same"]]


def test_audit_without_a_deployment_says_so(machine):
    (machine.folder / "undeployed").touch()
    assert machine.run("audit").stderr == "audit-cluster: gansweep is not deployed here: make deploy first\n"
