"""Object storage: addresses of data, and where the way to the server is set.

Endpoint and credentials come from the environment alone (in the cluster from a Secret), never from parameters,
artifacts or logs. The variables are gansweep's own: KFP's launcher shares a stage's container and reads AWS_* itself.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import InputError

if TYPE_CHECKING:
    from components.bucket import Bucket

ENDPOINT = "GANSWEEP_S3_ENDPOINT"
ACCESS_KEY = "GANSWEEP_S3_ACCESS_KEY"
SECRET_KEY = "GANSWEEP_S3_SECRET_KEY"
REGION = "GANSWEEP_S3_REGION"
VARIABLES = (ENDPOINT, ACCESS_KEY, SECRET_KEY, REGION)
SCHEMES = ("minio", "s3")
# Requests at the same time; each may hold one object in memory.
CONNECTIONS = 16


@dataclass(frozen=True)
class StoredObject:
    """One object as listed: `name` relative to the bucket's prefix, `size` in bytes, `etag` its version."""

    name: str
    size: int
    etag: str


def is_address(text: str) -> bool:
    """Whether `text` names a place in object storage (minio:// or s3://), not on this machine."""
    return "://" in text and text.partition("://")[0] in SCHEMES


def open_bucket(name: str, address: str) -> "Bucket":
    """Return the objects below `address` (minio://bucket/prefix), without asking the server for anything yet.

    `name` says in messages what the address is for. Raises InputError if the address or the environment is unfit.
    """
    scheme, _, rest = address.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme not in SCHEMES:
        raise InputError(f"{name}: {address}: {scheme}:// is not known; give a folder or minio://bucket/prefix")
    if not bucket:
        raise InputError(f"{name}: {address}: names no bucket; write it as {scheme}://bucket/prefix")
    from components.bucket import connect  # the library takes a third of a second, which most stages don't need

    return connect(name, scheme, bucket, prefix.strip("/"))


@contextmanager
def local_file(name: str, address: str) -> Iterator[Path]:
    """Yield a file of this machine: `address` itself if it is a path, else a copy of the object, removed afterwards.

    `name` is the parameter that holds the address. Raises InputError if there is no such file or object.
    """
    if not is_address(address):
        if not Path(address).is_file():
            raise InputError(f"{name}: {address}: there is no such file; check the path, or leave {name} empty")
        yield Path(address)
        return
    bucket, item = find_object(name, address)
    with bucket.copy(item) as path:
        yield path


def file_version(name: str, address: str) -> str:
    """Return what changes when the file at `address` does (a digest or an ETag); raises InputError if there is none."""
    if is_address(address):
        return find_object(name, address)[1].etag
    with local_file(name, address) as path:
        return hashlib.sha256(path.read_bytes()).hexdigest()


def find_object(name: str, address: str) -> "tuple[Bucket, StoredObject]":
    """Return the object at `address` and the bucket to read it from; raises InputError if it isn't there."""
    folder, _, file = address.rstrip("/").rpartition("/")
    bucket = open_bucket(name, folder)
    for item in bucket.objects(file, first_contact=True):
        if item.name == file:
            return bucket, item
    raise InputError(f"{name}: {address}: there is no such object; check the address, or leave {name} empty")
