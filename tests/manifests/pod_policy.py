"""What every object of ours must keep to: the rules, apart from the tests that apply and prove them."""

import re
from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]

PINNED = re.compile(r".+:(?!latest@)[\w.-]+@sha256:[0-9a-f]{64}$")
SECRET_NAME = re.compile(r"password|secret|token|(access|private|api)[-_]?key", re.IGNORECASE)


def violations(obj: Object) -> list[str]:
    """Return what an object breaks, one line a rule; an empty list if nothing."""
    kind = obj["kind"]
    found = []
    if kind == "Secret":
        found.append("a Secret in a manifest")
    if kind in ("ClusterRole", "ClusterRoleBinding"):
        found.append("rights in the whole cluster")
    if kind == "ConfigMap":
        found += [f"{key}: looks like a secret" for key in obj.get("data", {}) if SECRET_NAME.search(key)]
    pod = _pod(obj)
    if pod:
        found += _pod_violations(pod)
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            lasting = kind not in ("Job", "CronJob") and container in pod["containers"]
            found += [f"{container['name']}: {line}" for line in _container_violations(container, lasting)]
    return found


def _template(obj: Object) -> Object | None:
    spec = obj.get("spec", {})
    return spec.get("jobTemplate", {}).get("spec", spec).get("template")


def _pod(obj: Object) -> Object | None:
    return obj["spec"] if obj["kind"] == "Pod" else (_template(obj) or {}).get("spec")


def _pod_violations(pod: Object) -> Iterator[str]:
    context = pod.get("securityContext", {})
    if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
        yield "may run as root"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "no seccomp profile"
    if pod.get("automountServiceAccountToken") is not False:
        yield "holds a token for the Kubernetes API"
    if any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")):
        yield "shares the host's network or processes"
    if any("hostPath" in volume for volume in pod.get("volumes", [])):
        yield "mounts a folder of the host"


def _container_violations(container: Object, lasting: bool) -> Iterator[str]:
    context = container.get("securityContext", {})
    if context.get("privileged") or context.get("runAsUser", 1) == 0 or context.get("runAsNonRoot", True) is False:
        yield "privileged or root"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    capabilities = context.get("capabilities", {})
    if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
        yield "keeps capabilities"
    if context.get("readOnlyRootFilesystem") is not True:
        yield "may write its root file system"
    for bound in ("requests", "limits"):
        if not {"cpu", "memory"} <= set(container.get("resources", {}).get(bound, {})):
            yield f"no {bound} of processors and memory"
    if not PINNED.match(container["image"]):
        yield "image not pinned by tag and digest"
    for variable in container.get("env", []):
        if SECRET_NAME.search(variable["name"]) and "value" in variable:
            yield f"{variable['name']}: a secret in plain text"
    if lasting and not {"readinessProbe", "livenessProbe"} <= set(container):
        yield "no probes"
