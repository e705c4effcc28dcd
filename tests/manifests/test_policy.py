"""Every object of ours keeps to the rules (pod_policy.py), and every rule can fail."""

import copy

import pytest
from building import build, find
from pod_policy import violations


def test_every_object_keeps_to_the_rules(objects):
    assert {
        f"{each['kind']} {each['metadata']['name']}": violations(each) for each in objects if violations(each)
    } == {}


@pytest.fixture
def good():
    return build("overlays/kind")


@pytest.fixture
def server(good):
    return copy.deepcopy(find(good, "StatefulSet", "minio"))


def pod(server):
    return server["spec"]["template"]["spec"]


def container(server):
    return pod(server)["containers"][0]


BREAKS = {
    "may run as root": lambda s: pod(s)["securityContext"].update(runAsNonRoot=False),
    "no seccomp profile": lambda s: pod(s)["securityContext"].pop("seccompProfile"),
    "holds a token for the Kubernetes API": lambda s: pod(s).pop("automountServiceAccountToken"),
    "shares the host's network or processes": lambda s: pod(s).update(hostPID=True),
    "mounts a folder of the host": lambda s: pod(s)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
    "minio: privileged or root": lambda s: container(s)["securityContext"].update(privileged=True),
    "minio: may gain privileges": lambda s: container(s)["securityContext"].pop("allowPrivilegeEscalation"),
    "minio: keeps capabilities": lambda s: container(s)["securityContext"]["capabilities"].update(add=["NET_RAW"]),
    "minio: may write its root file system": lambda s: container(s)["securityContext"].pop("readOnlyRootFilesystem"),
    "minio: no requests of processors and memory": lambda s: container(s)["resources"]["requests"].pop("cpu"),
    "minio: no limits of processors and memory": lambda s: container(s)["resources"].pop("limits"),
    "minio: no probes": lambda s: container(s).pop("livenessProbe"),
    "minio: MINIO_ROOT_PASSWORD: a secret in plain text": lambda s: container(s)["env"].append(
        {"name": "MINIO_ROOT_PASSWORD", "value": "minio123"}
    ),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_each_rule_for_pods_can_fail(server, broken):
    assert violations(server) == []
    BREAKS[broken](server)
    assert violations(server) == [broken]


DIGEST = "@sha256:" + "0" * 64


@pytest.mark.parametrize("image", ["minio", "minio:1.0", "minio:latest" + DIGEST, "minio" + DIGEST])
def test_images_without_tag_and_digest_are_refused(server, image):
    container(server)["image"] = image
    assert violations(server) == ["minio: image not pinned by tag and digest"]


@pytest.mark.parametrize(
    ("kind", "content", "line"),
    [
        ("Secret", {"stringData": {"password": "minio123"}}, "a Secret in a manifest"),
        ("ConfigMap", {"data": {"secret-key": "minio123"}}, "secret-key: looks like a secret"),
        ("ClusterRole", {"rules": []}, "rights in the whole cluster"),
    ],
)
def test_each_rule_for_other_objects_can_fail(kind, content, line):
    assert violations({"kind": kind, "metadata": {"name": "x"}} | content) == [line]
