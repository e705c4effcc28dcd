"""Kubeflow Pipelines as gansweep speaks to it: experiments, runs, versions of the pipeline, objects in its store.

All of it is asked for at one address, that of the user interface, which hands calls on to the API, the metadata store
and the object store: one way in, no credentials of any store on this machine. What a lost connection or a restart
breaks is asked again, with growing pauses, on a new port-forward where there is one.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import requests

from components.contracts.errors import InputError
from components.contracts.files import whole_file
from pipelines.cluster.port_forward import SERVICE, PortForward
from pipelines.runs.endings import StageError

API = "apis/v2beta1"
EXPERIMENT_ABOUT = "Runs of gansweep: does synthetic data help a medical image classifier, and how much of it?"
ENDED = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
SECONDS_OF_PATIENCE = 600.0
SECONDS_TO_ANSWER_FIRST = 20.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
TIMEOUT = (10, 120)  # to connect, to answer; seconds
_BUSY = (429, 502, 503, 504)
_FOR_GOOD = re.compile("NoSuch|does not exist|not found|denied|Forbidden", re.IGNORECASE)
# What Kubeflow's API says, with status 500, while its database is gone.
_AWAY = re.compile("connection|dial tcp|timeout|EOF|server has gone away|no such host|unavailable", re.IGNORECASE)
_EQUALS = 1  # operation of the API's filters

T = TypeVar("T")


class ClusterError(StageError):
    """The cluster refused something, or did not answer for long; the message is one line."""


class _Unavailable(Exception):
    """An answer that another try may turn into a better one."""


@contextmanager
def connect(host: str, namespace: str) -> Iterator["Cluster"]:
    """Reach Kubeflow Pipelines at `host`, or with "" through a port-forward to `namespace` of the current cluster.

    Raises InputError that says what is missing if nothing answers there.
    """
    forward = None if host else PortForward(namespace)
    try:
        cluster = Cluster(forward.open() if forward else host, namespace, forward)
        cluster.check()
        yield cluster
    finally:
        if forward:
            forward.close()


class Cluster:
    """Kubeflow Pipelines at one address."""

    def __init__(self, host: str, namespace: str, forward: PortForward | None = None) -> None:
        self.namespace = namespace
        self._forward = forward
        self._host = (host if "://" in host else f"http://{host}").rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = forward is None  # a proxy of the environment can't know the way to this machine
        self._patience = SECONDS_OF_PATIENCE
        self._reconnecting = threading.Lock()

    def check(self) -> None:
        """Raise InputError unless Kubeflow Pipelines answers here."""
        self._patience = SECONDS_TO_ANSWER_FIRST
        try:
            self._json("GET", "healthz")
        except (ClusterError, ValueError):
            raise InputError(
                f"--host: Kubeflow Pipelines does not answer at {self._host}; give the address of its user interface, "
                "or none for the cluster of the current kubeconfig"
            ) from None
        finally:
            self._patience = SECONDS_OF_PATIENCE

    def page(self, run_id: str) -> str:
        """Say where people see a run."""
        if not self._forward:
            return f"{self._host}/#/runs/details/{run_id}"
        forward = f"kubectl --namespace {self.namespace} port-forward service/{SERVICE} 8080:80"
        return f"http://localhost:8080/#/runs/details/{run_id} (after: {forward})"

    def experiment(self, name: str) -> str:
        """Return the id of an experiment, made if there is none of that name."""

        def find_or_make() -> str:
            found = self._list("experiments", name)
            body = {"display_name": name, "description": EXPERIMENT_ABOUT}
            made = found[0] if found else self._once("POST", "experiments", json=body).json()
            return made["experiment_id"]

        return self._patiently(find_or_make)

    def find_run(self, experiment_id: str, name: str) -> dict[str, Any] | None:
        """Return the newest run of that name in an experiment, None if there is none."""
        return self._patiently(lambda: self._newest(experiment_id, name))

    def create_run(
        self, experiment_id: str, name: str, version: dict[str, str], parameters: dict[str, Any], after: str = ""
    ) -> dict[str, Any]:
        """Start a run of a version of the pipeline, which `version` refers to, and return it.

        If the connection breaks while it is started, the run is looked for by its name before another try, so that
        it is never started twice; `after` is the id of an older run of that name, "" if there is none.
        """
        body = {
            "experiment_id": experiment_id,
            "display_name": name,
            "pipeline_version_reference": version,
            "runtime_config": {"parameters": parameters},
        }
        return self._create(body, after)

    def repeat(self, run: dict[str, Any], name: str) -> dict[str, Any]:
        """Start a run anew under another name, of the same pipeline with the same images and parameters.

        Where there is one of that name, begun after the run itself, that one is returned.
        """
        older = self.find_run(run["experiment_id"], name)
        if older and older["created_at"] >= run["created_at"]:
            return older
        parts = ("experiment_id", "pipeline_spec", "pipeline_version_reference", "runtime_config")
        body = {part: run[part] for part in parts if part in run}
        return self._create(body | {"display_name": name}, after=older["run_id"] if older else "")

    def _create(self, body: dict[str, Any], after: str) -> dict[str, Any]:
        tries = iter(range(1, 1_000))

        def create() -> dict[str, Any]:
            lost = self._newest(body["experiment_id"], body["display_name"]) if next(tries) > 1 else None
            if lost and lost["run_id"] != after:
                return lost
            return self._once("POST", "runs", json=body).json()

        return self._patiently(create)

    def run(self, run_id: str) -> dict[str, Any]:
        """Return a run as it is now: its state, its tasks, its error (records.py reads the tasks).

        Version 3 gives the tasks in the full view only; version 2 knows no views and passes the word over.
        """
        return self._json("GET", f"runs/{quote(run_id, safe='')}?view=FULL")

    def version(
        self, file: Path, pipeline: tuple[str, str], names: tuple[str, ...], known_by: str, about: str
    ) -> tuple[str, dict[str, str], bool]:
        """Return name and reference of a version of a pipeline, and whether it has been added now, from `file`.

        `pipeline` are its name and description. The version is the first of `names` whose description holds `known_by`;
        a new one takes the first name that is free, with the description `about`.
        """

        def find_or_upload() -> tuple[str, dict[str, str], bool]:
            found = self._list("pipelines", pipeline[0])
            named = {"name": pipeline[0], "display_name": pipeline[0], "description": pipeline[1]}
            pipeline_id = (found[0] if found else self._once("POST", "pipelines", json=named).json())["pipeline_id"]
            free = []
            for name in names:
                there = self._list(f"pipelines/{pipeline_id}/versions", name)
                if there and known_by in there[0].get("description", ""):
                    return name, _reference(pipeline_id, there[0]), False
                free += [] if there else [name]
            if not free:
                raise ClusterError(f"the versions {', '.join(names)} are not gansweep's; give the images another --tag")
            files = {"uploadfile": (file.name, file.read_bytes())}
            wanted = {"name": free[0], "pipelineid": pipeline_id, "description": about}
            made = self._once("POST", "pipelines/upload_version", params=wanted, files=files).json()
            return free[0], _reference(pipeline_id, made), True

        return self._patiently(find_or_upload)

    def post(self, path: str, body: bytes, headers: dict[str, str], read: Callable[[Mapping[str, str], bytes], T]) -> T:
        """Ask a service behind the user interface; return what `read` makes of the answer's headers and body.

        An answer of which `read` raises ValueError is asked for again.
        """

        def ask() -> T:
            answer = self._once("POST", path, api=False, data=body, headers=headers)
            try:
                return read(dict(answer.headers), answer.content)
            except ValueError as error:
                raise _Unavailable(str(error)) from None

        return self._patiently(ask)

    def fetch(self, uri: str, path: Path, complete: Callable[[bytes], bool] = lambda content: True) -> None:
        """Write the object at `uri` (minio://bucket/key) to `path`, whole or not at all.

        `complete` says whether its content is whole; a cut one is asked for again. Raises ClusterError if it's missing.
        """
        place = urlsplit(uri)
        key = quote(place.path.lstrip("/"))

        def get() -> bytes:
            # This form of the address gives the object as it is; /artifacts/get would unpack archives.
            address = f"artifacts/{place.scheme}/{place.netloc}/{key}"
            answer = self._once("GET", address, api=False, params={"namespace": self.namespace})
            if not complete(answer.content):
                raise _Unavailable(f"{uri} came cut off")
            return answer.content

        content = self._patiently(get)
        with whole_file(path) as part:
            part.write_bytes(content)

    def log(self, pod: str, run_id: str) -> str:
        """Return what a pod of a run said, "" if its log is gone or out of reach."""
        wanted = {"podname": pod, "podnamespace": self.namespace, "runid": run_id}
        try:
            return self._once("GET", "k8s/pod/logs", api=False, params=wanted).text
        except (ClusterError, requests.RequestException, _Unavailable):
            return ""

    def _newest(self, experiment_id: str, name: str) -> dict[str, Any] | None:
        found = self._list("runs", name, experiment_id=experiment_id, sort_by="created_at desc")
        return found[0] if found else None

    def _list(self, kind: str, name: str, **wanted: str) -> list[dict[str, Any]]:
        predicate = {"operation": _EQUALS, "key": "display_name", "stringValue": name}
        wanted |= {"filter": json.dumps({"predicates": [predicate]}), "page_size": "10"}
        found = self._once("GET", kind, params=wanted).json()
        return found.get("pipeline_versions" if kind.endswith("versions") else kind, [])

    def _json(self, method: str, address: str) -> dict[str, Any]:
        return self._patiently(lambda: self._once(method, address).json())

    def _once(self, method: str, address: str, api: bool = True, **arguments: Any) -> requests.Response:
        url = f"{self._host}/{API}/{address}" if api else f"{self._host}/{address}"
        answer = self._session.request(method, url, timeout=TIMEOUT, **arguments)
        if answer.ok:
            return answer
        # 500 is a server that lost its database or object store for a while, or has no such object.
        reads = method == "GET" or not api
        known = not _FOR_GOOD.search(answer.text) if reads else _AWAY.search(answer.text)
        lost = answer.status_code == 500 and known
        if answer.status_code in _BUSY or lost:
            raise _Unavailable(_reason(answer))
        raise ClusterError(f"{method} {urlsplit(url).path}: {_reason(answer)}")

    def _patiently(self, action: Callable[[], T]) -> T:
        """Do it, again and again while the cluster is out of reach; raises ClusterError when patience is at its end."""
        deadline, pause = time.monotonic() + self._patience, FIRST_PAUSE
        while True:
            host = self._host
            try:
                return action()
            except (requests.RequestException, _Unavailable) as error:
                if time.monotonic() + pause > deadline:
                    raise ClusterError(
                        f"Kubeflow Pipelines did not answer for {self._patience:.0f} s ({_short(error)})"
                    ) from None
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            with self._reconnecting:
                if self._forward and self._host == host:  # else another thread has been faster
                    with suppress(InputError):  # the cluster may be back for the next try
                        self._host = self._forward.open()


def _reference(pipeline_id: str, version: dict[str, Any]) -> dict[str, str]:
    return {"pipeline_id": pipeline_id, "pipeline_version_id": version["pipeline_version_id"]}


def _reason(answer: requests.Response) -> str:
    """Return the server's own message in one line, with the status."""
    try:
        said = answer.json()
        said = said.get("message") or said.get("error") or said
    except ValueError:
        said = answer.text
    return f"status {answer.status_code} ({' '.join(str(said).split())[:500]})"


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
