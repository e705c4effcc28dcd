"""Reaches Kubeflow Pipelines in the cluster of the current kubeconfig: kubectl port-forward, ended with the block."""

import re
import shutil
import subprocess
import threading
import time

from components.contracts.errors import InputError

# The user interface serves everything under one address: the API of runs, their metadata and their artifacts.
SERVICE = "ml-pipeline-ui"
SECONDS_TO_START = 30.0
# kubectl is a child of this shell, which ends it when its standard input closes: however this process ends.
_GUARDED = '{ "$@" 2>&1; echo ended; } & cat > /dev/null; kill 0'
_READY = re.compile(r"Forwarding from (127\.0\.0\.1:\d+)")


class PortForward:
    """A way to a service, Kubeflow Pipelines if no other is named, that can be opened again when it breaks."""

    def __init__(self, namespace: str, service: str = SERVICE, port: int = 80) -> None:
        self._namespace, self._service, self._port = namespace, service, port
        self._process: subprocess.Popen[str] | None = None

    def open(self) -> str:
        """Start kubectl and return the address that leads to the service; an earlier one is closed.

        Raises InputError that says what is missing: kubectl, a cluster, or Kubeflow Pipelines in it.
        """
        self.close()
        if not shutil.which("kubectl"):
            raise InputError("--host: kubectl is not installed; install it, or give the address of Kubeflow Pipelines")
        words = ["kubectl", "--namespace", self._namespace, "port-forward", "--address", "127.0.0.1"]
        self._process = subprocess.Popen(
            ["sh", "-c", _GUARDED, "sh", *words, f"service/{self._service}", f":{self._port}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        said: list[str] = []
        threading.Thread(target=_drain, args=(self._process, said), daemon=True).start()
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            ready = _READY.search("\n".join(said))
            if ready:
                return f"http://{ready[1]}"
            if "ended" in said:
                break
            time.sleep(0.05)
        self.close()
        raise InputError(self._refusal([line for line in said if line != "ended"]))

    def close(self) -> None:
        """End kubectl, if it runs."""
        if self._process and self._process.stdin:
            self._process.stdin.close()
            self._process.wait()
        self._process = None

    def _refusal(self, said: list[str]) -> str:
        last = said[-1].removeprefix("error: ") if said else "kubectl port-forward did not answer"
        if self._service != SERVICE:
            return f"--namespace: no way to {self._service} in namespace {self._namespace} ({last}); make deploy first"
        if "NotFound" in last:
            return (
                f"--namespace: no Kubeflow Pipelines in namespace {self._namespace} (no service {SERVICE}); "
                "install it with make deploy, or name another namespace"
            )
        if "pod is not running" in last or "no pods" in last.lower():
            return f"--host: Kubeflow Pipelines is not up yet ({last}); look at kubectl get pods and try again"
        if "orbidden" in last:
            return f"--host: you may not forward ports in namespace {self._namespace} ({last}); ask for the right to"
        return f"--host: no cluster answers ({last}); point KUBECONFIG to one, or give the address with --host"


def _drain(process: subprocess.Popen[str], said: list[str]) -> None:
    """Read on for good, so that kubectl never waits for a reader; what it says before it is ready is kept."""
    for line in process.stdout or ():
        if len(said) < 100:
            said.append(line.strip())
