"""A real S3 server over a socket, and a proxy before it that breaks things on purpose."""

import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

SLOW_DOWN = b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>'


@dataclass(frozen=True)
class ObjectStore:
    """A running server and a login that may use every bucket but `denied`."""

    endpoint: str
    access_key: str
    secret_key: str

    def environment(self, endpoint: str = "") -> dict[str, str]:
        """Return what gansweep reads from the environment, with another endpoint if one is given."""
        return {
            "GANSWEEP_S3_ENDPOINT": endpoint or self.endpoint,
            "GANSWEEP_S3_ACCESS_KEY": self.access_key,
            "GANSWEEP_S3_SECRET_KEY": self.secret_key,
        }


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Run a server, or take the MinIO that GANSWEEP_TEST_MINIO names, with the login in the environment."""
    if endpoint := os.environ.get("GANSWEEP_TEST_MINIO"):
        yield ObjectStore(endpoint, os.environ["GANSWEEP_S3_ACCESS_KEY"], os.environ["GANSWEEP_S3_SECRET_KEY"])
        return
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        # As MinIO does, the server checks who asks and whether that one may: only from here on.
        login = {"aws_access_key_id": "setup", "aws_secret_access_key": "setup", "region_name": "us-east-1"}
        iam = boto3.client("iam", endpoint_url=endpoint, **login)
        iam.create_user(UserName="gansweep")
        denied = ["arn:aws:s3:::denied", "arn:aws:s3:::denied/*"]
        statements = [
            {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
            {"Effect": "Deny", "Action": "s3:*", "Resource": denied},
        ]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName="gansweep", PolicyName="all-but-one", PolicyDocument=policy)
        key = iam.create_access_key(UserName="gansweep")["AccessKey"]
        connection = HTTPConnection(host, int(port))
        connection.request("POST", "/moto-api/reset-auth", body=b"0")
        assert connection.getresponse().status == 200
        yield ObjectStore(endpoint, key["AccessKeyId"], key["SecretAccessKey"])
    finally:
        server.stop()


def new_bucket(client) -> str:
    """Make a bucket of a name that no one else has."""
    name = f"gansweep-test-{uuid.uuid4().hex[:12]}"
    client.make_bucket(name)
    return name


class FaultProxy:
    """Passes requests on to a server, and breaks the next ones as it is told.

    Faults: cut (the connection ends in the middle of the answer), truncated (half the bytes, said to be all), garbled
    (one byte is another), etag (another ETag), slow (a second for the answer), unavailable (503), slow-down (S3's own
    503), too-many (429), cut-upload (the connection ends while the request is being sent), lost (the request is carried
    out, the answer doesn't arrive).
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream).netloc
        self._faults: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self.requests: list[str] = []
        self._server = self._listen(0)
        self.port = self._server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def fail(self, fault: str, times: int = 1, method: str = "GET") -> None:
        """Break the next `times` requests of `method` for an object."""
        with self._lock:
            self._faults += [(fault, method)] * times

    @property
    def pending(self) -> int:
        """How many faults haven't struck yet."""
        return len(self._faults)

    def go_away(self, seconds: float) -> None:
        """Refuse connections and cut those there are, for some seconds."""
        self.close()
        threading.Timer(seconds, self._come_back).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.gone = True
        self._server.shutdown()
        self._server.server_close()

    def _come_back(self) -> None:
        self._server = self._listen(self.port)

    def _listen(self, port: int) -> ThreadingHTTPServer:
        server = _Server(("127.0.0.1", port), _handler(self))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return server

    def take(self, method: str, path: str) -> str:
        """Return the fault that strikes this request, "" for none."""
        of_object = path.partition("?")[0].strip("/").count("/") > 0
        with self._lock:
            self.requests.append(f"{method} {path}")
            for number, (fault, wanted) in enumerate(self._faults):
                if wanted == method and of_object:
                    del self._faults[number]
                    return fault
        return ""

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict, bytes]:
        """Ask the server behind."""
        connection = HTTPConnection(self._upstream, timeout=60)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # connections that come at once must not be dropped
    gone = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that are cut off are what this is for."""


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            fault = proxy.take(self.command, self.path)
            length = int(self.headers.get("Content-Length", 0))
            if fault == "cut-upload":
                self.rfile.read(length // 2)
                self.cut()
                return
            body = self.rfile.read(length)
            if self.server.gone:
                self.cut()
                return
            if fault in ("unavailable", "slow-down", "too-many"):
                page = SLOW_DOWN if fault == "slow-down" else b"<html>try later</html>"
                kind = "application/xml" if fault == "slow-down" else "text/html"
                self.reply(429 if fault == "too-many" else 503, {"Content-Type": kind}, page)
                return
            status, headers, data = proxy.forward(self.command, self.path, dict(self.headers), body)
            if fault == "lost":
                self.cut()
                return
            if fault == "slow":
                time.sleep(1)
            if fault == "truncated":
                data = data[: len(data) // 2]
            if fault == "garbled":
                data = data[:-1] + bytes([data[-1] ^ 1])
            if fault == "etag":
                headers = {n: v for n, v in headers.items() if n.lower() != "etag"} | {"ETag": f'"{"0" * 32}"'}
            self.reply(status, headers, data, cut=fault == "cut")

        def reply(self, status: int, headers: dict, data: bytes, cut: bool = False) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header(
                "Content-Length", headers.get("Content-Length", "0") if self.command == "HEAD" else len(data)
            )
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if cut else data)
            if cut:
                self.cut()

        def cut(self) -> None:
            self.close_connection = True

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

        def log_message(self, *_: object) -> None:
            """Say nothing: tests read what is printed."""

    return Handler
