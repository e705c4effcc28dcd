"""Why a run in the cluster did not succeed, in one line for people, and whether the same run may succeed another time.

A stage's own error stands in its log. What fails outside of a stage's own work (a driver, a launcher that can't record
what its stage made, a pod that was lost) left its reason in Argo's workflow and in that pod's log.
"""

import re
from dataclasses import dataclass
from typing import Any

from components.contracts.errors import OutageError
from components.contracts.plain_text import plain
from components.contracts.progress import Event, parse
from pipelines.cluster.kubeflow import Cluster
from pipelines.cluster.records import failed_nodes, failed_pods
from pipelines.cluster.workflow import Node, driver_of, find_nodes, pod_name

# The template that Argo makes the pods of drivers from, in KFP 2.17: of a stage, of a loop or the whole run.
DRIVER, LOOP_DRIVER = "system-container-driver", "system-dag-driver"
_MOST_OF_A_LINE = 300
_HEAD = re.compile(r"^(?:\d{4}-\d\d-\d\dT\S+Z )?(?P<level>[IWEF])\d{4} [\d:.]+ +\d+ [\w.]+:\d+\] ")
_OF_ARGO = re.compile(r"argo=true|^Error: exit status \d+$")
_REFUSED = {
    "exceeded quota": "raise the namespace's quota (manifests/namespace), or lower gan_cpu and gan_memory",
    "gansweep-run-pods": "pods of runs may be what manifests/kfp/cluster/admission.yaml says",
    "violates PodSecurity": "the namespace takes pods that meet Pod Security restricted",
    "is forbidden": "the cluster refuses the pod",
    "active on the node longer": "a stage may take a day",
    "OOMKilled": "set gan_memory higher or image_size lower",
}


@dataclass(frozen=True)
class Failure:
    """Why a run did not succeed; `passing` if the same run, submitted again, may well succeed."""

    reason: str
    passing: bool


def find_failure(cluster: Cluster, run: dict[str, Any], events: list[Event]) -> Failure:
    """Say why a run that has ended did not succeed; `events` are what its stages said."""
    if run["state"] != "FAILED":
        return Failure(f"the run was ended in the cluster ({run['state'].lower()})", passing=False)
    failed = _left_failed(events)
    own = [event for event in failed if own_words(event)] or _told_by_pods(cluster, run)
    if own:
        # What would fail again is said before what a server that was gone brought about.
        event = next((event for event in own if not _of_an_outage(event)), own[0])
        return Failure(f"{_name(event)} failed: {event.reason}", passing=all(_of_an_outage(event) for event in own))
    for what, pod, message in _pods_that_failed(cluster, run, failed):
        advice = next((advice for sign, advice in _REFUSED.items() if sign in message), "")
        line = "" if advice or not pod else last_line(cluster.log(pod, run["run_id"]))
        parts = [message or "no reason given", f"pod {pod}" if pod else "", f"its last line: {line}" if line else ""]
        said = "; ".join(filter(None, [*parts, advice]))
        return Failure(f"the run failed outside its stages: {what}: {plain(said)}", passing=not advice)
    said = " ".join(run.get("error", {}).get("message", "").split())
    return Failure(f"the run failed outside its stages: {said or 'no reason given'}", passing=True)


def own_words(event: Event) -> bool:
    """Whether a stage told its failure itself, or what killed it is known."""
    return not event.error.startswith(("its task ", "its pod "))


def last_line(log: str) -> str:
    """Return the line of a driver's or launcher's log that says why it ended, without its head; "" if there is none."""
    lines = [line.strip() for line in log.splitlines() if line.strip() and not _OF_ARGO.search(line)]
    fatal = [line for line in lines if (head := _HEAD.match(line)) and head["level"] == "F"]
    line = (fatal or lines or [""])[-1]
    return plain(_HEAD.sub("", line))[:_MOST_OF_A_LINE]


def _left_failed(events: list[Event]) -> list[Event]:
    """Return the failures that no later try made good."""
    failed: dict[tuple[str, str], Event] = {}
    for event in events:
        if event.kind == "failed":
            known = failed.get((event.stage, event.cell))
            if not known or not own_words(known):
                failed[event.stage, event.cell] = event
        elif event.kind == "finished":
            failed.pop((event.stage, event.cell), None)
    return list(failed.values())


def _told_by_pods(cluster: Cluster, run: dict[str, Any]) -> list[Event]:
    """Return the failures in the logs of the failed pods, as far as the user interface can still show them."""
    events = [parse(line) for pod in failed_pods(cluster, run) for line in cluster.log(pod, run["run_id"]).splitlines()]
    return [event for event in _left_failed([event for event in events if event]) if own_words(event)]


def _pods_that_failed(cluster: Cluster, run: dict[str, Any], failed: list[Event]) -> list[tuple[str, str, str]]:
    """Return what failed outside its stages: in words, the name of its pod ("" if unknown), and what was said of it."""
    nodes = [node for node in find_nodes(cluster.namespace, run["run_id"]) if node.phase in ("Failed", "Error")]
    found = [(node.what, node.name, _death(node, failed)) for node in nodes]
    found = found or [(_name(event), "", event.error) for event in failed]
    return found or _failed_drivers(run)


def _death(node: Node, failed: list[Event]) -> str:
    told = [event.error for event in failed if event.stage == node.what]
    return "; ".join(dict.fromkeys(filter(None, [node.message, *told[:1]])))


def _failed_drivers(run: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the drivers that failed, by the states of a run's tasks, which name the nodes below them."""
    found = []
    for task, node in failed_nodes(run):
        said = driver_of(task)
        if said and not task.endswith(")"):  # the task over its tries, whose node below is the last of them
            template = LOOP_DRIVER if said in ("the driver of the whole run", "the driver of a loop") else DRIVER
            found.append((said, pod_name(node, template), "its task ended as FAILED"))
    return found


def _of_an_outage(event: Event) -> bool:
    return event.error.startswith(f"{OutageError.__name__}: ")


def _name(event: Event) -> str:
    return event.stage if event.cell == "-" else f"{event.stage} {event.cell}"
