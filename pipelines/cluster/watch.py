"""Watches a run in the cluster: what its stages say, as the live view shows it, and how it ends.

Where the current kubeconfig leads to the run's pods, their logs are read line by line; elsewhere the states of its
tasks, which the API of Kubeflow Pipelines gives, have to do.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from components.contracts.progress import Event, parse
from pipelines.cluster.kubeflow import ENDED, Cluster
from pipelines.cluster.records import DONE, failed_pods, stage_tasks
from pipelines.runs.endings import StageError
from pipelines.runs.live import View

SECONDS_BETWEEN_LOOKS = 3.0
LOOPED = ("train_gan", "train_classifier", "evaluate")
_TIMEOUT = (5, 20)
# Looking back further than the last look, for clocks differ; what was read before is passed over by its time.
_SECONDS_OF_OVERLAP = 10


def wait_for(cluster: Cluster, run_id: str, view: View, note: Callable[[str], None]) -> None:
    """Show a run until it has ended; `note` takes lines on what keeps a pod from starting.

    Raises StageError with the error of the stage that failed, and ClusterError if the cluster is out of reach for long.
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
    if run["state"] != "SUCCEEDED":
        raise StageError(f"{reason_of_failure(cluster, run, events)} ({cluster.page(run_id)})")


def reason_of_failure(cluster: Cluster, run: dict[str, Any], events: list[Event]) -> str:
    """Say why a run failed: the error of the stage itself where it can be had, else what Kubeflow says."""
    if run["state"] != "FAILED":
        return f"the run was ended in the cluster ({run['state'].lower()})"
    finished = {(event.stage, event.cell) for event in events if event.kind == "finished"}
    failures = [e for e in events if e.kind == "failed" and (e.stage, e.cell) not in finished]
    if not any(_own_words(event) for event in failures):
        failures = _told_by_pods(cluster, run) or failures
    if failures:
        event = next(filter(_own_words, failures), failures[0])
        name = event.stage if event.cell == "-" else f"{event.stage} {event.cell}"
        return f"{name} failed: {event.error.removeprefix('InputError: ')}"
    said = " ".join(run.get("error", {}).get("message", "").split())
    return f"the run failed outside its stages: {said or 'no reason given'}"


class PodLogs:
    """The logs of a run's stages, read piece by piece through Kubernetes."""

    def __init__(self, namespace: str, run_id: str) -> None:
        self.found = False  # whether the cluster of the current kubeconfig has shown pods of this run
        self._namespace, self._run_id = namespace, run_id
        self._pods: dict[str, _Pod] = {}
        self._core = _kubernetes()

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
            events.append(Event("failed", known.stage, known.cell, error=_death(pod)))
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


def _kubernetes() -> Any:
    """Return a client of the cluster that the current kubeconfig names, None if there is none."""
    from kubernetes import client, config

    for load in (config.load_kube_config, config.load_incluster_config):
        try:
            load()
        except (config.ConfigException, OSError):
            continue
        return client.CoreV1Api()
    return None


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
    return f"its pod was ended: {' '.join(said.split())}"


def _own_words(event: Event) -> bool:
    return not event.error.startswith(("its task ", "its pod "))


def _told_by_pods(cluster: Cluster, run: dict[str, Any]) -> list[Event]:
    """Return the failures in the logs of the failed pods, as far as the user interface can still show them."""
    events = [parse(line) for pod in failed_pods(run) for line in cluster.log(pod, run["run_id"]).splitlines()]
    return [event for event in events if event and event.kind == "failed"]
