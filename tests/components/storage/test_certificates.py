"""A server whose certificate no known authority has signed: refused with the way to trust it, and reached that way."""

import datetime
import http.server
import ipaddress
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from components.contracts.errors import InputError, OutageError
from components.storage import bucket as module
from components.storage.addresses import open_bucket


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for 127.0.0.1 that has signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    return folder / "certificate.pem", folder / "key.pem"


class Refuses(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802 (the name that the library calls)
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """Run a server with such a certificate, name it in the environment, and return the certificate."""
    pem, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None  # a client that trusts nobody hangs up
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv(module.ENDPOINT, f"https://127.0.0.1:{server.server_port}")
    monkeypatch.setenv(module.ACCESS_KEY, "user")
    monkeypatch.setenv(module.SECRET_KEY, "password")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    yield pem
    server.shutdown()
    server.server_close()


def asked() -> str:
    with pytest.raises((InputError, OutageError)) as caught:
        open_bucket("data_set", "minio://bucket/images").objects()
    return str(caught.value)


def test_a_certificate_of_an_unknown_authority_is_refused_with_the_way_to_trust_it(certificate):
    said = asked()
    assert "no safe connection to https://127.0.0.1" in said
    assert "set SSL_CERT_FILE to its certificate (PEM)" in said


def test_the_server_is_reached_once_its_authority_is_trusted(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert "refuses the request (status 403)" in asked()
