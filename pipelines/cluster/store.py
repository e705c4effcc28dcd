"""The way to the MinIO of the current cluster, for people who bring data: a port-forward and their login there."""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager

from components.contracts.errors import InputError
from components.storage.objects import ACCESS_KEY, ENDPOINT, SECRET_KEY
from pipelines.cluster.kubeconfig import open_cluster
from pipelines.cluster.port_forward import PortForward

SERVICE, PORT = "minio-service", 9000
SECRET = "gansweep-upload"
_ELSE = f"or set {ENDPOINT}, {ACCESS_KEY} and {SECRET_KEY} to those of another server"


@contextmanager
def reach_store(namespace: str) -> Iterator[None]:
    """Set the environment to the MinIO of the current cluster inside the block, unless it names a server already.

    Raises InputError that says what is missing.
    """
    if os.environ.get(ENDPOINT):
        yield
        return
    key, secret = _login(namespace)
    forward = PortForward(namespace, SERVICE, PORT)
    try:
        os.environ |= {ENDPOINT: forward.open(), ACCESS_KEY: key, SECRET_KEY: secret}
        yield
    finally:
        for variable in (ENDPOINT, ACCESS_KEY, SECRET_KEY):
            os.environ.pop(variable, None)
        forward.close()


def _login(namespace: str) -> tuple[str, str]:
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    kubernetes = open_cluster()
    if kubernetes is None:
        raise InputError(f"upload: no kubeconfig names a cluster; point KUBECONFIG at yours, {_ELSE}")
    try:
        found = kubernetes.CoreV1Api().read_namespaced_secret(SECRET, namespace, _request_timeout=(5, 20)).data
    except ApiException as error:
        why = {404: "make deploy first", 403: "your login may not read it"}.get(error.status, f"status {error.status}")
        raise InputError(f"upload: the Secret {SECRET} in {namespace} can't be read: {why}; {_ELSE}") from None
    except (HTTPError, OSError):
        raise InputError(f"upload: the cluster of the current kubeconfig does not answer; start it, {_ELSE}") from None
    key, secret = (base64.b64decode(found[name]).decode() for name in ("access-key", "secret-key"))
    return key, secret
