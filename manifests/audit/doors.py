"""Runs in a pod of `make audit-cluster`: tries doors and says of each whether it is open, one JSON line a door.

Arguments: HOST:PORT ... for connections; "may VERB PATH", as one argument, asks the API server as the pod's account.
"""

import json
import socket
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SECONDS = 4


def connects(door: str) -> bool:
    """Tell whether something answers at host:port."""
    host, _, port = door.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=SECONDS).close()
    except OSError:
        return False
    return True


def may(method: str, path: str) -> bool:
    """Tell whether the API server lets this pod's account do a thing; what is not there counts as allowed."""
    request = urllib.request.Request(f"https://kubernetes.default.svc{path}", method=method, data=None)
    request.add_header("Authorization", f"Bearer {(ACCOUNT / 'token').read_text()}")
    if method == "PATCH":
        request.add_header("Content-Type", "application/merge-patch+json")
        request.data = b"{}"
    trusted = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    try:
        urllib.request.urlopen(request, timeout=SECONDS, context=trusted).close()
    except urllib.error.HTTPError as error:
        return error.code not in (401, 403)
    except (OSError, urllib.error.URLError):
        return False
    return True


for door in sys.argv[1:]:
    found = may(*door.split()[1:]) if door.startswith("may ") else connects(door)
    print(json.dumps({"door": door, "open": found}), flush=True)
