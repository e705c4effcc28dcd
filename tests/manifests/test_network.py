"""Who reaches whom, worked out from the rendered network policies: both ends must allow a connection."""

from typing import Any

import pytest
import yaml
from building import MANIFESTS, build

RUN = {"workflows.argoproj.io/workflow": "gan-augmentation-x", "app.kubernetes.io/part-of": "gansweep"}
KUBEFLOW = {"application-crd-id": "kubeflow-pipelines"}
# Labels as Kubeflow Pipelines gives them; the ports are those that each listens on.
PODS = {
    "api": KUBEFLOW | {"app": "ml-pipeline"},
    "ui": KUBEFLOW | {"app": "ml-pipeline-ui"},
    "persistence": KUBEFLOW | {"app": "ml-pipeline-persistenceagent"},
    "schedules": KUBEFLOW | {"app": "ml-pipeline-scheduledworkflow"},
    "argo": KUBEFLOW | {"app": "workflow-controller"},
    "metadata": KUBEFLOW | {"component": "metadata-grpc-server"},
    "envoy": KUBEFLOW | {"component": "metadata-envoy"},
    "mysql": KUBEFLOW | {"app": "mysql"},
    "minio": {"app": "minio"},
    "minio-setup": {"app": "minio-setup"},
    "run": RUN,
    "run that passes for Kubeflow": RUN | KUBEFLOW,
    "stranger": {},
}
PORTS = {"api": (8888, 8887), "ui": (3000,), "metadata": (8080,), "envoy": (9090,), "mysql": (3306,), "minio": (9000,)}
OPEN = {
    ("ui", "api", 8888),
    ("persistence", "api", 8888),
    ("persistence", "api", 8887),
    ("schedules", "api", 8888),
    ("schedules", "api", 8887),
    ("run", "api", 8887),
    ("run that passes for Kubeflow", "api", 8887),
    ("api", "metadata", 8080),
    ("envoy", "metadata", 8080),
    ("run", "metadata", 8080),
    ("run that passes for Kubeflow", "metadata", 8080),
    ("ui", "envoy", 9090),
    ("api", "mysql", 3306),
    ("metadata", "mysql", 3306),
    ("api", "minio", 9000),
    ("ui", "minio", 9000),
    ("minio-setup", "minio", 9000),
    ("run", "minio", 9000),
    ("run that passes for Kubeflow", "minio", 9000),
}


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Tell whether a label selector takes a pod, as Kubernetes does."""
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    for rule in selector.get("matchExpressions", []):
        value, values = labels.get(rule["key"]), rule.get("values", [])
        fits = {
            "Exists": value is not None,
            "DoesNotExist": value is None,
            "In": value in values,
            "NotIn": value not in values,
        }[rule["operator"]]
        if not fits:
            return False
    return True


def allows(policies: list[dict], way: str, own: dict[str, str], other: dict[str, str], port: int) -> bool:
    """Tell whether a pod may have a connection with another of its namespace; `way` is Ingress or Egress."""
    covering = [spec for spec in policies if way in spec["policyTypes"] and selects(spec["podSelector"], own)]
    rules = [rule for spec in covering for rule in spec.get(way.lower(), [])]
    peers = "from" if way == "Ingress" else "to"
    return not covering or any(
        (peers not in rule or any(_is_peer(peer, other) for peer in rule[peers]))
        and ("ports" not in rule or port in [each["port"] for each in rule["ports"]])
        for rule in rules
    )


def _is_peer(peer: dict[str, Any], labels: dict[str, str]) -> bool:
    return set(peer) == {"podSelector"} and selects(peer["podSelector"], labels)


def ways(objects) -> set[tuple[str, str, int]]:
    policies = [each["spec"] for each in objects if each["kind"] == "NetworkPolicy"]
    return {
        (caller, called, port)
        for caller, labels in PODS.items()
        for called, ports in PORTS.items()
        for port in ports
        if caller != called
        and allows(policies, "Egress", labels, PODS[called], port)
        and allows(policies, "Ingress", PODS[called], labels, port)
    }


@pytest.mark.parametrize("overlay", ["kind", "gpu"])
def test_exactly_the_ways_that_are_used_are_open(overlay):
    assert ways(build(f"overlays/{overlay}")) == OPEN


def open_to_others(objects) -> set[str]:
    """Return the pods that other namespaces, or outside addresses, may call."""
    policies = [each["spec"] for each in objects if each["kind"] == "NetworkPolicy"]
    inward = [spec for spec in policies if "Ingress" in spec["policyTypes"]]
    found = set()
    for name, labels in PODS.items():
        covering = [spec for spec in inward if selects(spec["podSelector"], labels)]
        callers = [peer for spec in covering for rule in spec.get("ingress", []) for peer in rule.get("from", [{}])]
        if not covering or any(set(peer) != {"podSelector"} for peer in callers):
            found.add(name)
    return found


def test_nothing_comes_in_from_other_namespaces():
    assert open_to_others(build("overlays/kind")) == set()


def test_every_policy_is_needed():
    objects = build("overlays/kind")
    for policy in [each for each in objects if each["kind"] == "NetworkPolicy"]:
        left = [each for each in objects if each is not policy]
        name = policy["metadata"]["name"]
        assert name == "dns" or ways(left) != OPEN or open_to_others(left), name


def test_only_those_who_need_it_reach_the_api_server():
    policy = yaml.safe_load((MANIFESTS / "network" / "api-server.yaml").read_text())["spec"]
    reaching = {name for name, labels in PODS.items() if selects(policy["podSelector"], labels)}
    assert reaching == set(PODS) - {"minio", "minio-setup", "mysql", "metadata", "envoy"}
