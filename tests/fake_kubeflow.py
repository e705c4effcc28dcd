"""A stand-in for Kubeflow Pipelines: one HTTP server that answers as its user interface, API, metadata store and object
store do, and as the API of Kubernetes for the pods of its runs. It runs nothing: a run goes through the states of its
story, one a look, and its artifacts are those of a finished run on this machine.
"""

import base64
import json
import re
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from fake_records import metadata_answer, tasks_of_version_3


@dataclass
class Fault:
    """The next `times` requests whose method and path contain `path` go wrong: a status, or a cut connection.

    With `done` the request is carried out before its answer is lost.
    """

    path: str
    status: int = 0
    times: int = 1
    done: bool = False
    text: bytes = b"upstream is not there"


@dataclass
class Pod:
    """A pod of a run as Kubernetes shows it."""

    name: str
    stage: str
    log: str = ""
    phase: str = "Running"
    status: dict[str, Any] = field(default_factory=dict)


class FakeKubeflow:
    """Use as a context manager. `results` maps the parameters of a run to the folder of a finished one."""

    def __init__(self, results: Callable[[dict[str, Any]], Path] | None = None) -> None:
        self.results = results
        self.version = 2  # of Kubeflow Pipelines: 3 has no metadata store, its API names the artifacts
        self.story: list[str] = ["PENDING", "RUNNING", "SUCCEEDED"]
        self.stories: list[list[str]] = []  # of the next runs, before `story` is that of all
        self.tasks: dict[str, list[dict[str, Any]]] = {}  # state of a run -> its tasks
        self.pods: list[Pod] = []
        self.workflows: dict[str, dict[str, Any]] = {}  # id of a run -> Argo's workflow
        self.secrets: dict[str, dict[str, str]] = {}
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.experiments: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.pipelines: list[dict[str, Any]] = []
        self.versions: list[dict[str, Any]] = []
        self.most_at_once = 0
        self.under_way_at_start: list[int] = []
        self._outputs: dict[str, list[tuple[str, str, Path]]] = {}
        self._lock = threading.RLock()
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> "FakeKubeflow":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Answer from now on, on a port of its own."""
        handler = type("Handler", (_Handler,), {"fake": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Be gone: connections are refused."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def host(self) -> str:
        assert self._server
        return f"http://127.0.0.1:{self._server.server_port}"

    def kubeconfig(self, folder: Path) -> Path:
        """Write a kubeconfig that leads to the pods."""
        path = folder / "kubeconfig"
        cluster = {"clusters": [{"name": "fake", "cluster": {"server": self.host}}]}
        user = {"users": [{"name": "fake", "user": {}}], "current-context": "fake"}
        context = {"contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}]}
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **cluster, **user, **context}))
        return path

    def outputs(self, run_id: str) -> list[tuple[str, str, Path]]:
        """Return stage, name and place of what a run wrote."""
        run = next((run for run in self.runs if run["run_id"] == run_id), None)
        if not run or not self.results:
            return []
        if run_id in self._outputs:
            return self._outputs[run_id]
        (artifacts,) = self.results(run["runtime_config"]["parameters"]).glob("artifacts/*")
        places = [*artifacts.glob("*/*"), *artifacts.glob("for-loop-*/*/*")]
        found = [(p.parent.name, p.name, p) for p in places if p.name != "executor_output.json" and not_task(p)]
        return self._outputs.setdefault(run_id, sorted(found))

    def answer(self, method: str, address: str, body: bytes) -> tuple[int, Any]:
        """Return status and content of an answer."""
        with self._lock:
            parts = urlsplit(address)
            wanted = {key: values[0] for key, values in parse_qs(parts.query).items()}
            path = parts.path
            if path.startswith("/apis/v2beta1/"):
                return self._api(method, path.removeprefix("/apis/v2beta1/"), wanted, body)
            if path.startswith("/ml_metadata.MetadataStoreService/") and self.version == 2:
                run_ids = [run["run_id"] for run in self.runs]
                failed = [pod.name for pod in self.pods if pod.phase == "Failed"]
                return 200, metadata_answer(path.rpartition("/")[2], body, run_ids, self.outputs, failed)
            if path.startswith("/artifacts/minio/mlpipeline/"):
                return self._artifact(unquote(path.removeprefix("/artifacts/minio/mlpipeline/")))
            if path == "/k8s/pod/logs":
                found = [pod.log for pod in self.pods if pod.name == wanted["podname"]]
                return (200, found[0].encode()) if found else (500, b"Could not get main container logs: not found")
            if path == "/apis/argoproj.io/v1alpha1/namespaces/kubeflow/workflows":
                run_id = wanted["labelSelector"].removeprefix("pipeline/runid=")
                return 200, {"items": [self.workflows[run_id]] if run_id in self.workflows else []}
            if path.startswith("/api/v1/namespaces/kubeflow/secrets/"):
                held = self.secrets.get(path.rpartition("/")[2])
                data = {key: base64.b64encode(text.encode()).decode() for key, text in (held or {}).items()}
                return (200, {"data": data}) if held else (404, {"message": "not found"})
            if path.startswith("/api/v1/namespaces/kubeflow/pods"):
                return self._kubernetes(path, wanted)
            return 404, {"error": f"no such address: {path}"}

    def _api(self, method: str, path: str, wanted: dict[str, str], body: bytes) -> tuple[int, Any]:
        kind, _, rest = path.partition("/")
        if path == "healthz":
            return 200, {"multi_user": False}
        if path == "pipelines/upload_version":
            return 200, self._add(self.versions, "pipeline_version_id", wanted | {"display_name": wanted["name"]})
        if method == "POST":
            given = json.loads(body)
            store = {"experiments": self.experiments, "runs": self.runs, "pipelines": self.pipelines}[kind]
            if kind == "runs":
                self.under_way_at_start.append(self._under_way())
                given |= {"state": "PENDING", "looks": 0}
                if self.stories:
                    given["story"] = self.stories.pop(0)
            return 200, self._add(store, f"{kind.removesuffix('s')}_id", given)
        if kind == "runs" and rest:
            found = [run for run in self.runs if run["run_id"] == rest]
            return (200, self._look(found[0])) if found else (404, {"error": f"Run {rest} not found"})
        listed = {"experiments": self.experiments, "runs": self.runs, "pipelines": self.pipelines}.get(kind, [])
        name = kind
        if rest.endswith("/versions"):
            name, listed = "pipeline_versions", self.versions
        names = [p["stringValue"] for p in json.loads(wanted.get("filter", "{}")).get("predicates", [])]
        found = [one for one in reversed(listed) if one["display_name"] in names or not names]
        return 200, {name: found} if found else {}

    def _add(self, store: list, key: str, given: dict[str, Any]) -> dict[str, Any]:
        made = {**given, key: str(uuid.uuid4()), "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ")}
        store.append(made)
        return made

    def _look(self, run: dict[str, Any]) -> dict[str, Any]:
        story = run.get("story") or self.story
        run["state"] = story[min(run["looks"], len(story) - 1)]
        run["looks"] += 1
        self.most_at_once = max(self.most_at_once, self._under_way())
        if self.version == 3:
            return {**run, "tasks": tasks_of_version_3(run["run_id"], self.outputs(run["run_id"]))}
        return {**run, "run_details": {"task_details": self.tasks.get(run["state"], [])}}

    def _under_way(self) -> int:
        return sum(run["state"] in ("PENDING", "RUNNING") for run in self.runs)

    def _artifact(self, key: str) -> tuple[int, Any]:
        match = re.fullmatch(r"v2/artifacts/gan-augmentation/([^/]+)/[^/]+/(\d+)/[^/]+(?:/(.+))?", key)
        path = self.outputs(match[1])[int(match[2])][2] if match else Path("/nowhere")
        path = path / match[3] if match and match[3] else path
        if not path.is_file():
            return 500, b"Failed to get object in bucket mlpipeline: S3Error: The specified key does not exist."
        return 200, path.read_bytes()

    def _kubernetes(self, path: str, wanted: dict[str, str]) -> tuple[int, Any]:
        if path.endswith("/log"):
            (pod,) = (pod for pod in self.pods if pod.name == path.split("/")[-2])
            return 200, pod.log.encode()
        run = re.match(r"pipeline/runid=([^,]+),gansweep/stage$", wanted["labelSelector"])
        assert run, wanted
        items = [
            {
                "metadata": {
                    "name": pod.name,
                    "creationTimestamp": f"2026-01-01T00:00:{number:02}Z",
                    "labels": {"gansweep/stage": pod.stage.replace("_", "-")},
                },
                "status": {"phase": pod.phase, **pod.status},
            }
            for number, pod in enumerate(self.pods)
        ]
        return 200, {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": items}


def not_task(path: Path) -> bool:
    """Tell the outputs of a stage from the stages inside a loop."""
    return not path.parent.name.startswith("for-loop-")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # connections that come at once must not be dropped

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that left amid an answer: its own lines are what tests read from stderr."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    fake: FakeKubeflow
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece: two would wait for each other

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = f"{method} {self.path}"
        self.fake.requests.append(said)
        fault = next((f for f in self.fake.faults if f.path in said and f.times > 0), None)
        if fault:
            fault.times -= 1
            if fault.done:
                self.fake.answer(method, self.path, body)
            if not fault.status:
                self.close_connection = True
                self.connection.close()
                return
            self._send(fault.status, fault.text)
            return
        self._send(*self.fake.answer(method, self.path, body))

    def _send(self, status: int, content: Any) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream" if data is content else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def use_kubeconfig(monkeypatch, path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(path))
    # The client reads the variable when it is imported, which another test may have done before.
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))


def wait_until(condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
