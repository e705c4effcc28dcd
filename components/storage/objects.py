"""Objects in storage as they are listed, and where the way to the server is set.

Endpoint and credentials come from the environment alone (in the cluster from a Secret), never from parameters,
artifacts or logs. The variables are gansweep's own: KFP's launcher shares a stage's container and reads AWS_* itself.
"""

from dataclasses import dataclass, field

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
    """One object as listed: `name` relative to the bucket's prefix, `size` in bytes, `etag` its version.

    `written` is when, in seconds since 1970; it tells no two versions apart.
    """

    name: str
    size: int
    etag: str
    written: float = field(default=0.0, compare=False)


def is_address(text: str) -> bool:
    """Whether `text` names a place in object storage (minio:// or s3://), not on this machine."""
    return "://" in text and text.partition("://")[0] in SCHEMES
