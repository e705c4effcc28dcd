"""What runs in the pods of make audit-cluster, against real sockets."""

import json
import socket
import subprocess
import sys

from building import MANIFESTS


def test_a_door_is_open_where_something_listens():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        doors = [
            f"127.0.0.1:{server.getsockname()[1]}",
            f"127.0.0.1:{unused.getsockname()[1]}",
            "no-such-host.invalid:1",
        ]
        ran = subprocess.run(
            [sys.executable, MANIFESTS / "audit" / "doors.py", *doors], capture_output=True, text=True, timeout=240
        )
    assert [json.loads(line) for line in ran.stdout.splitlines()] == [
        {"door": door, "open": found} for door, found in zip(doors, (True, False, False), strict=True)
    ]
