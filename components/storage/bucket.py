"""A bucket of an S3 server, spoken to with patience: the one module that uses the minio library."""

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

from minio import Minio
from minio.error import InvalidResponseError, S3Error, ServerError
from minio.helpers import check_bucket_name
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_random_exponential
from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError, SSLError

from components.contracts.errors import InputError, OutageError
from components.storage.objects import ACCESS_KEY, CONNECTIONS, ENDPOINT, REGION, SECRET_KEY, StoredObject

# How long a server may be gone. At the first contact a wrong address is likelier than a restart.
PATIENCE_SECONDS = 300.0
FIRST_CONTACT_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 10.0
SECONDS_BETWEEN_NOTICES = 10.0
TIMEOUT = Timeout(connect=10, read=60)
# Larger files are sent in parts of this size (bytes), and their ETag is made of those of the parts.
PART = 64 * 2**20

Result = TypeVar("Result")
_noticed = 0.0
_notice_lock = threading.Lock()


class BrokenTransfer(Exception):
    """What arrived is not what the other side has: worth another try."""


@dataclass(frozen=True)
class Bucket:
    """The objects below a prefix of a bucket. Safe to use from several threads.

    `name` is the parameter or variable that `address` came from, for messages; `prefix` is "" or ends in "/".
    While the server is gone, overloaded or breaks off, every method tries again, with growing pauses, for
    `patience` seconds (None: PATIENCE_SECONDS). It raises OutageError in one line if that doesn't help, InputError if
    the request itself is wrong.
    """

    name: str
    address: str
    server: str
    client: Minio
    bucket: str
    prefix: str
    patience: float | None = None

    def hurried(self, seconds: float) -> "Bucket":
        """Return the same objects, asked for with less patience."""
        return replace(self, patience=seconds)

    def objects(self, start: str = "", *, first_contact: bool = False) -> list[StoredObject]:
        """List the objects whose names begin with `start`, in the order of their names.

        At the `first_contact` of a command patience is shorter: FIRST_CONTACT_SECONDS.
        """

        def list_all() -> list[StoredObject]:
            found = self.client.list_objects(self.bucket, prefix=self.prefix + start, recursive=True)
            return [
                StoredObject(
                    item.object_name[len(self.prefix) :],
                    int(item.size or 0),
                    (item.etag or "").strip('"'),
                    item.last_modified.timestamp() if item.last_modified else 0.0,
                )
                for item in found
                if item.object_name and not item.object_name.endswith("/")
            ]

        patience = FIRST_CONTACT_SECONDS if first_contact else None
        return sorted(self._patiently(list_all, "", patience), key=lambda item: item.name)

    def read(self, item: StoredObject) -> bytes:
        """Return an object's bytes, after a check of their number and ETag against the listing."""

        def get() -> bytes:
            response = self.client.get_object(self.bucket, self.prefix + item.name)
            try:
                data = response.read()
                _check(item, data, response.headers)
            except BaseException:
                response.close()  # a connection with the rest of an answer in it must not be used again
                raise
            finally:
                response.release_conn()
            return data

        return self._patiently(get, item.name)

    @contextmanager
    def copy(self, item: StoredObject) -> Iterator[Path]:
        """Yield a copy of an object as a file of the same name, removed afterwards."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / item.name.rpartition("/")[2]
            path.write_bytes(self.read(item))
            yield path

    def write(self, item: str, path: str | Path) -> None:
        """Store the file at `path` as the object named `item`: whole or not at all, replacing what was there."""
        expected = etag_of(path)

        def put() -> None:
            stored = self.client.fput_object(self.bucket, self.prefix + item, str(path), part_size=PART)
            headers: Mapping[str, str] = stored.http_headers or {}
            if _is_digest(stored.etag or "") and not _is_encrypted(headers) and stored.etag != expected:
                raise BrokenTransfer(f"it arrived with ETag {stored.etag}, not {expected}")

        self._patiently(put, item)

    def remove(self, item: str) -> None:
        """Remove an object; one that isn't there is fine."""
        self._patiently(lambda: self.client.remove_object(self.bucket, self.prefix + item), item)

    def _patiently(self, action: Callable[[], Result], item: str, patience: float | None = None) -> Result:
        seconds = next(given for given in (patience, self.patience, PATIENCE_SECONDS) if given is not None)
        tries = Retrying(
            stop=stop_after_delay(seconds),
            wait=wait_random_exponential(multiplier=0.2, max=LONGEST_PAUSE_SECONDS),
            retry=retry_if_exception(_may_pass),
            before_sleep=self._notice,
            reraise=True,
        )
        try:
            return tries(action)
        except ParseError:
            raise InputError(
                f"{self.name}: {self.address}: {self.server} does not answer as an S3 server does; is it the port of a "
                f"console? check {ENDPOINT}"
            ) from None
        except (HTTPError, S3Error, ServerError, InvalidResponseError, BrokenTransfer) as error:
            where = f"{self.address}/{item}" if item else self.address
            kind = OutageError if _may_pass(error) else InputError
            raise kind(f"{self.name}: {where}: {self._reason(error, seconds)}") from None

    def _notice(self, attempt: RetryCallState) -> None:
        """Say that the server is being waited for: not at the first slip, and not from every thread."""
        global _noticed
        with _notice_lock:
            now = time.monotonic()
            if attempt.attempt_number < 4 or now - _noticed < SECONDS_BETWEEN_NOTICES:
                return
            _noticed = now
        error = attempt.outcome.exception() if attempt.outcome else None
        print(f"{self.name}: {self.address}: {_short(error)}; trying again", flush=True)

    def _reason(self, error: Exception, seconds: float) -> str:
        code = error.code if isinstance(error, S3Error) else ""
        if isinstance(error, SSLError):
            return (
                f"no safe connection to {self.server} ({_short(error)}); to trust an authority of your own set "
                f"SSL_CERT_FILE to its certificate (PEM), else check {ENDPOINT}"
            )
        if isinstance(error, HTTPError):
            return f"no answer from {self.server} for {seconds:g} s ({_short(error)}); check {ENDPOINT} and the server"
        if _may_pass(error):
            return f"{self.server} failed for {seconds:g} s ({_short(error)}); try again later"
        if code == "NoSuchBucket":
            return f"there is no bucket '{self.bucket}' at {self.server}; make it, or check the address"
        if code == "NoSuchKey":
            return "it is gone, though it was listed; start again when no one changes the data"
        if code in ("InvalidAccessKeyId", "SignatureDoesNotMatch"):
            return f"{self.server} refuses the login ({code}); check {ACCESS_KEY} and {SECRET_KEY}"
        if code == "AccessDenied":
            return (
                f"{self.server} denies access with this {ACCESS_KEY}; it needs the right to list, read and write there"
            )
        return f"{self.server} refuses the request ({_short(error)}); check {ENDPOINT}"


def connect(name: str, scheme: str, bucket: str, prefix: str) -> Bucket:
    """Return a bucket of the server that the environment names; asks nothing of it yet.

    Raises InputError if the environment lacks the server or the credentials, or names are not allowed in S3.
    """
    address = f"{scheme}://{bucket}" + (f"/{prefix}" if prefix else "")
    missing = [variable for variable in (ENDPOINT, ACCESS_KEY, SECRET_KEY) if not os.environ.get(variable)]
    if missing:
        raise InputError(f"{name}: {address}: to reach object storage set {', '.join(missing)} in the environment")
    for variable in (ACCESS_KEY, SECRET_KEY):
        if not os.environ[variable].isprintable():
            raise InputError(f"{variable}: holds a line end or another control character; set it without")
    server = os.environ[ENDPOINT]
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.username:
        raise InputError(f"{ENDPOINT}: not the address of a server; write it as http://host:9000 or https://host")
    try:
        check_bucket_name(bucket, s3_check=True)
        client = Minio(
            parts.netloc,
            access_key=os.environ[ACCESS_KEY],
            secret_key=os.environ[SECRET_KEY],
            secure=parts.scheme == "https",
            region=os.environ.get(REGION, "us-east-1"),
            # Trying again is this module's, which also sees what breaks off in the middle of an object.
            http_client=PoolManager(maxsize=CONNECTIONS, block=True, retries=False, timeout=TIMEOUT),
        )
    except ValueError as error:
        raise InputError(f"{name}: {address}: {error}") from None
    return Bucket(name, address, server, client, bucket, f"{prefix}/" if prefix else "")


def etag_of(path: str | Path) -> str:
    """Return the ETag that a server gives to a file written with `Bucket.write`, unless it encrypts it."""
    with Path(path).open("rb") as file:
        parts = [_md5(part).digest() for part in iter(lambda: file.read(PART), b"")] or [_md5(b"").digest()]
    return parts[0].hex() if len(parts) == 1 else f"{_md5(b''.join(parts)).hexdigest()}-{len(parts)}"


def _check(item: StoredObject, data: bytes, headers: Mapping[str, str]) -> None:
    """Raise BrokenTransfer unless `data` is the listed object."""
    etag = headers.get("etag", "").strip('"')
    if len(data) != item.size:
        raise BrokenTransfer(f"{len(data)} of {item.size} bytes arrived")
    if etag != item.etag:
        raise BrokenTransfer(f"its ETag is {etag}, in the listing {item.etag}")
    if _is_digest(etag) and not _is_encrypted(headers) and _md5(data).hexdigest() != etag:
        raise BrokenTransfer(f"its bytes don't fit its ETag {etag}")


def _is_digest(etag: str) -> bool:
    """Whether an ETag is an MD5 of the whole object, not one made of parts."""
    return len(etag) == 32 and "-" not in etag


def _is_encrypted(headers: Mapping[str, str]) -> bool:
    """Whether the server keeps the object under a key; then its ETag is no digest of its bytes."""
    return any(name.lower().startswith("x-amz-server-side-encryption") for name in headers)


def _md5(data: bytes) -> "hashlib._Hash":
    return hashlib.md5(data, usedforsecurity=False)


def _may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed in a while."""
    if isinstance(error, HTTPError):
        return not isinstance(error, SSLError)
    if isinstance(error, S3Error):
        return error.response.status >= 500 or error.response.status == 429 or error.code in ("SlowDown", "Throttling")
    if isinstance(error, ServerError):
        return error.status_code >= 500
    if isinstance(error, InvalidResponseError):
        return error._code >= 500 or error._code == 429
    return isinstance(error, BrokenTransfer)


def _short(error: BaseException | None) -> str:
    """Say in a few words what went wrong, without request ids."""
    if isinstance(error, S3Error):
        return f"{error.code}: {error.message}"
    if isinstance(error, InvalidResponseError):
        return f"status {error._code}"
    text = " ".join(str(error).split())
    return text.rpartition(": ")[2] or text or type(error).__name__
