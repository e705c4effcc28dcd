"""PyTorch's CPU build is taken where its index answers; where it doesn't, no time is lost."""

import http.server
import subprocess
import sys
import threading
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "images" / "torch_index.py"


@pytest.fixture
def index():
    """Return the address of a server that lists PyTorch under /whl/cpu, a login page elsewhere, silence under /slow."""
    over = threading.Event()

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802 (the name that the library calls)
            if self.path.startswith("/slow"):
                over.wait(60)
                return
            self.send_response(200 if self.path == "/whl/cpu/torch/" else 404)
            self.end_headers()
            self.wfile.write(b'<a href="torch-2.13.0%2Bcpu.whl">torch</a>')

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        over.set()
        server.shutdown()


def asked(address: str) -> str:
    done = subprocess.run([sys.executable, SCRIPT, address], capture_output=True, text=True, timeout=240, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


def test_an_index_that_lists_pytorch_is_taken(index):
    assert asked(f"{index}/whl/cpu") == f"{index}/whl/cpu"


@pytest.mark.parametrize("place", ["/elsewhere", "/slow"])
def test_an_index_that_has_nothing_or_is_late_is_passed_over_without_noise(index, place):
    assert asked(index + place) == ""


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/whl/cpu", "https://no-such-host.invalid/whl", "nonsense"])
def test_an_index_that_is_not_there_is_passed_over_without_noise(address):
    assert asked(address) == ""
