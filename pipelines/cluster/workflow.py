"""A run as Argo's workflow has it: its pods and what Argo says of them, also of those that could not be made.

Read through the current kubeconfig, like the pods' logs; people without that right see the states of tasks only.
"""

import base64
import gzip
import json
import re
from dataclasses import dataclass
from typing import Any

from pipelines.cluster.kubeconfig import open_cluster
from pipelines.placement import STAGES

_TIMEOUT = (5, 20)
_OF_A_TRY = re.compile(r"\(\d+\)$")


@dataclass(frozen=True)
class Node:
    """A pod of a run: its `name`, whether there is such a pod or not; `what` it is in words; what Argo says of it."""

    name: str
    what: str
    phase: str
    message: str
    ended: str


def find_nodes(namespace: str, run_id: str) -> list[Node]:
    """Return the pods of a run, those that failed first, by the time of their end; [] where Argo can't be asked."""
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    kubernetes = open_cluster()
    if kubernetes is None:
        return []
    try:
        found = kubernetes.CustomObjectsApi().list_namespaced_custom_object(
            "argoproj.io",
            "v1alpha1",
            namespace,
            "workflows",
            label_selector=f"pipeline/runid={run_id}",
            _request_timeout=_TIMEOUT,
        )["items"]
    except (ApiException, HTTPError, OSError):
        return []
    return [node for workflow in found for node in nodes_of(workflow)]


def nodes_of(workflow: dict[str, Any]) -> list[Node]:
    """Return the pods of a workflow, but for tries that a later one made good."""
    status = workflow.get("status", {})
    nodes: dict[str, dict[str, Any]] = status.get("nodes") or _unpacked(status.get("compressedNodes", ""))
    above = {child: parent for parent, node in nodes.items() for child in node.get("children") or []}
    pods = []
    for key, node in nodes.items():
        parent = nodes.get(above.get(key, ""), {})
        if node.get("type") != "Pod" or (parent.get("type") == "Retry" and parent.get("phase") == "Succeeded"):
            continue
        name = pod_name(key, node.get("templateName", ""))
        what = _in_words(key, nodes, above)
        message = " ".join((node.get("message") or "").split())
        pods.append(Node(name, what, node.get("phase", ""), message, node.get("finishedAt") or ""))
    return sorted(pods, key=lambda pod: (pod.phase not in ("Failed", "Error"), pod.ended or "~"))


def pod_name(node: str, template: str) -> str:
    """Return the name that Argo gives to the pod of a node."""
    workflow, _, number = node.rpartition("-")
    return f"{workflow}-{template}-{number}"


def driver_of(task: str) -> str:
    """Return in words what the driver of that name is; "" if it is none."""
    task = _OF_A_TRY.sub("", task)
    if not task.endswith("-driver"):
        return ""
    stage = task.removesuffix("-driver")
    if stage.replace("-", "_") in STAGES:
        return f"the driver of {stage.replace('-', '_')}"
    return "the driver of the whole run" if stage == "root" else "the driver of a loop"


def _in_words(key: str, nodes: dict[str, dict[str, Any]], above: dict[str, str]) -> str:
    said = driver_of(nodes[key].get("displayName", ""))
    while not said and key in above:
        key = above[key]
        stage = _OF_A_TRY.sub("", nodes[key].get("displayName", "")).replace("-", "_")
        said = stage if stage in STAGES else ""
    return said or nodes[key].get("displayName", "a pod")


def _unpacked(text: str) -> dict[str, dict[str, Any]]:
    """Read the nodes of a large workflow, which Argo keeps packed."""
    return json.loads(gzip.decompress(base64.b64decode(text))) if text else {}
