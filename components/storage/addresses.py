"""Addresses of data: a path of this machine, or minio://bucket/prefix."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from components.contracts.errors import InputError
from components.contracts.user_files import LARGEST_WEIGHTS, file_digest
from components.storage.objects import SCHEMES, StoredObject, is_address

if TYPE_CHECKING:
    from components.storage.bucket import Bucket


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
    from components.storage.bucket import connect  # the library takes a third of a second, which most stages don't need

    return connect(name, scheme, bucket, prefix.strip("/"))


@contextmanager
def local_file(name: str, address: str, most: int = LARGEST_WEIGHTS) -> Iterator[Path]:
    """Yield a file of this machine: `address` itself if it is a path, else a copy of the object, removed afterwards.

    `name` is the parameter that holds the address. Raises InputError if there is no such file or object, or an object
    of more than `most` bytes.
    """
    if not is_address(address):
        scheme, found, _ = address.partition("://")
        if found:
            raise InputError(f"{name}: {address}: {scheme}:// is not known; give a path or minio://bucket/file")
        if Path(address).is_dir():
            raise InputError(f"{name}: {address}: is a folder; give a file")
        if not Path(address).is_file():
            raise InputError(f"{name}: {address}: there is no such file; check the path")
        yield Path(address)
        return
    bucket, item = find_object(name, address)
    if item.size > most:
        raise InputError(f"{name}: {address}: larger than {most / 1e6:,g} MB; give another file")
    with bucket.copy(item) as path:
        yield path


def file_version(name: str, address: str) -> str:
    """Return what changes when the file at `address` does (a digest or an ETag); raises InputError if there is none."""
    if is_address(address):
        return find_object(name, address)[1].etag
    with local_file(name, address) as path:
        return file_digest(f"{name}: ", path)


def find_object(name: str, address: str) -> "tuple[Bucket, StoredObject]":
    """Return the object at `address` and the bucket to read it from; raises InputError if it isn't there."""
    folder, _, file = address.rstrip("/").rpartition("/")
    bucket = open_bucket(name, folder)
    for item in bucket.objects(file, first_contact=True):
        if item.name == file:
            return bucket, item
    raise InputError(f"{name}: {address}: there is no such object; check the address")
