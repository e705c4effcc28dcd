"""Watches a run in the cluster: what its stages say, as the live view shows it, and how it ends.

Where the current kubeconfig leads to the run's pods, their logs are read line by line; elsewhere the states of its
tasks, which the API of Kubeflow Pipelines gives, have to do.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from components.contracts.progress import Event, parse
from pipelines.cluster.failure import Failure, find_failure
from pipelines.cluster.kubeconfig import open_cluster
from pipelines.cluster.kubeflow import ENDED, Cluster
from pipelines.cluster.records import DONE, stage_tasks
from pipelines.cluster.workflow import find_nodes
from pipelines.runs.live import View

SECONDS_BETWEEN_LOOKS = 3.0
SECONDS_BETWEEN_QUESTIONS = 15.0  # to Argo, whose answer may be large
TAKEN_AWAY = "its pod was ended"
LOOPED = ("train_gan", "train_classifier", "evaluate")
_TIMEOUT = (5, 20)
# Looking back further than the last look, for clocks differ; what was read before is passed over by its time.
_SECONDS_OF_OVERLAP = 10


def wait_for(cluster: Cluster, run_id: str, view: View, note: Callable[[str], None]) -> Failure | None:
    """Show a run until it has ended; `note` takes lines on pods that do not start, and on those that were lost.

    Returns why it failed, None if it succeeded. Raises ClusterError if the cluster is out of reach for long.
    """
    pods, tasks = PodLogs(cluster.namespace, run_id), TaskStates()
    events: list[Event] = []
    while True:
        run = cluster.run(run_id)
        new, notes = pods.look()
        states = tasks.look(run)
        for event in new if pods.found else states:
            events.append(event)
            view.show(event)
        for line in notes:
            note(line)
        if run.get("state") in ENDED:
            break
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return None if run["state"] == "SUCCEEDED" else find_failure(cluster, run, events)


class PodLogs:
    """The logs of a run's stages, read piece by piece through Kubernetes."""

    def __init__(self, namespace: str, run_id: str) -> None:
        self.found = False  # whether the cluster of the current kubeconfig has shown pods of this run
        self._namespace, self._run_id = namespace, run_id
        self._pods: dict[str, _Pod] = {}
        self._said: set[str] = set()
        self._next_question = 0.0
        kubernetes = open_cluster()
        self._core = kubernetes.CoreV1Api() if kubernetes else None

    def look(self) -> tuple[list[Event], list[str]]:
        """Return what the stages said since the last look, and what keeps pods from starting.

        While Kubernetes does not answer that is nothing; it will be said at a later look.
        """
        if self._core is None:
            return [], []
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        events: list[Event] = []
        notes: list[str] = []
        try:
            selector = f"pipeline/runid={self._run_id},gansweep/stage"
            listed = self._core.list_namespaced_pod(
                self._namespace, label_selector=selector, _request_timeout=_TIMEOUT
            ).items
            self.found = self.found or bool(listed)
            events += self._lost({pod.metadata.name for pod in listed})
            notes += self._not_made()
            for pod in sorted(listed, key=lambda pod: pod.metadata.creation_timestamp):
                stage = pod.metadata.labels["gansweep/stage"].replace("-", "_")
                known = self._pods.setdefault(pod.metadata.name, _Pod(stage))
                if pod.status.phase == "Pending":
                    notes += known.waits_for(pod)
                elif not known.ended:
                    events += self._read(known, pod)
        except (ApiException, HTTPError, OSError):
            pass
        return events, notes

    def _lost(self, listed: set[str]) -> list[Event]:
        """Return word of pods that are gone though they had not ended."""
        gone = [(name, pod) for name, pod in self._pods.items() if name not in listed and not pod.ended]
        for _, pod in gone:
            pod.ended = True
        return [pod.lost(f"its pod {name} was deleted") for name, pod in gone]

    def _not_made(self) -> list[str]:
        """Return why pods can't be made, a quota for one, each reason once; Argo is not asked at every look."""
        if time.monotonic() < self._next_question:
            return []
        self._next_question = time.monotonic() + SECONDS_BETWEEN_QUESTIONS
        waiting = [node for node in find_nodes(self._namespace, self._run_id) if node.phase == "Pending"]
        found = dict.fromkeys(f"{node.what} waits: {node.message}" for node in waiting if "forbidden" in node.message)
        new = [line for line in found if line not in self._said]
        self._said.update(new)
        return new

    def _read(self, known: "_Pod", pod: Any) -> list[Event]:
        assert self._core is not None
        over = pod.status.phase in ("Succeeded", "Failed")
        since = {"since_seconds": int(time.monotonic() - known.looked) + _SECONDS_OF_OVERLAP} if known.looked else {}
        now = time.monotonic()
        text = self._core.read_namespaced_pod_log(
            pod.metadata.name, self._namespace, container="main", timestamps=True, _request_timeout=_TIMEOUT, **since
        )
        known.looked, known.ended = now, over
        events = known.events(text)
        if pod.status.phase == "Failed" and not known.failed:
            death = _death(pod)
            events.append(Event("failed", known.stage, known.cell, error=death))
            if pod.metadata.deletion_timestamp or death.startswith(TAKEN_AWAY):
                events.append(known.lost(death))
        return events


@dataclass
class _Pod:
    """What is known of one pod; `looked` is when its log was read last, 0 if never."""

    stage: str
    cell: str = "-"
    looked: float = 0.0
    last: str = ""
    ended: bool = False
    failed: bool = False
    said: set[str] = field(default_factory=set)

    def lost(self, how: str) -> Event:
        """Return word of a pod that did not end by itself."""
        name = self.stage if self.cell == "-" else f"{self.stage} {self.cell}"
        return Event("warning", self.stage, self.cell, text=f"{name}: {how}; Argo starts it again, twice at most")

    def events(self, text: str) -> list[Event]:
        """Return the events in the lines of a log that are newer than the last one seen."""
        found = []
        for line in text.splitlines():
            stamp, _, rest = line.partition(" ")
            moment = _sortable(stamp)
            if moment <= self.last:
                continue
            self.last = moment
            event = parse(rest)
            if event:
                self.cell = event.cell
                self.failed = self.failed or event.kind == "failed"
                found.append(event)
        return found

    def waits_for(self, pod: Any) -> list[str]:
        """Return why a pending pod does not start, each reason once; [] where it is only on its way."""
        reasons = [
            condition.message
            for condition in pod.status.conditions or []
            if condition.type == "PodScheduled" and condition.status == "False" and condition.message
        ]
        for status in pod.status.container_statuses or []:
            waiting = status.state.waiting
            if waiting and waiting.reason not in ("ContainerCreating", "PodInitializing"):
                reasons.append(f"{waiting.reason}: {waiting.message or status.image}")
        new = [reason for reason in reasons if reason not in self.said]
        self.said.update(new)
        return [f"{self.stage} waits: {' '.join(reason.split())}" for reason in new]


class TaskStates:
    """A run's stages by the states of its tasks: less than their logs, but with no rights in the cluster."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}
        self._cells: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def look(self, run: dict[str, Any]) -> list[Event]:
        """Return what has changed since the last look."""
        events = []
        for task in stage_tasks(run):
            if task.id not in self._cells:
                self._cells[task.id] = self._name(task.stage)
            cell, before = self._cells[task.id], self._shown.get(task.id, "")
            if task.state == before:
                continue
            self._shown[task.id] = task.state
            if not before and task.state in ("RUNNING", *DONE, *ENDED):
                events.append(Event("started", task.stage, cell))
            if task.state in DONE:
                events.append(Event("finished", task.stage, cell, seconds=task.seconds))
            elif task.state in ENDED:
                said = task.error or f"its task ended as {task.state}"
                events.append(Event("failed", task.stage, cell, error=said))
        return events

    def _name(self, stage: str) -> str:
        if stage not in LOOPED:
            return "-"
        self._counts[stage] = self._counts.get(stage, 0) + 1
        return f"#{self._counts[stage]}"


def _sortable(stamp: str) -> str:
    """Write a time of a log with all nine digits, so that times sort as text: trailing zeros are left out in logs."""
    second, _, rest = stamp.removesuffix("Z").partition(".")
    return f"{second}.{rest:0<9}"


def _death(pod: Any) -> str:
    """Say how a pod ended that could not say so itself."""
    for status in pod.status.container_statuses or []:
        ended = status.state.terminated
        if ended and ended.exit_code and ended.reason == "OOMKilled":
            return "out of memory; set gan_memory higher or image_size lower"
        if ended and ended.exit_code and status.name == "main":
            reason = ended.reason or pod.status.reason or "no reason given"
            return f"its pod ended with status {ended.exit_code} ({reason})"
    said = pod.status.message or pod.status.reason or "no reason given"
    return f"{TAKEN_AWAY}: {' '.join(said.split())}"
