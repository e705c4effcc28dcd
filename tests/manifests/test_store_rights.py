"""Who may do what with the objects in MinIO, worked out from the policies of its users."""

import json
from fnmatch import fnmatchcase

import pytest
from building import MANIFESTS
from google.protobuf import json_format

from pipelines.compile import load_pipeline
from pipelines.placement import LOGIN, READERS, STAGES


def may(user: str, action: str, key: str) -> bool:
    """Tell whether a user may do `action` with an object, given as bucket/key; nothing is allowed unless it is said."""
    statements = json.loads((MANIFESTS / "minio" / f"{user}.json").read_text())["Statement"]
    return any(
        statement["Effect"] == "Allow"
        and any(fnmatchcase(f"s3:{action}", wanted) for wanted in statement["Action"])
        and any(fnmatchcase(f"arn:aws:s3:::{key}", wanted) for wanted in statement["Resource"])
        for statement in statements
    )


@pytest.mark.parametrize(
    ("user", "action", "key", "allowed"),
    [
        ("gansweep", "GetObject", "gansweep/data/x/a.png", True),
        ("gansweep", "PutObject", "gansweep/data/x/a.png", False),
        ("gansweep", "DeleteObject", "gansweep/data/x/a.png", False),
        ("gansweep", "GetObject", "gansweep/checkpoints/k", True),
        ("gansweep", "PutObject", "gansweep/checkpoints/k", True),
        ("gansweep", "DeleteObject", "gansweep/checkpoints/k", True),
        ("gansweep", "GetObject", "gansweep/else/x", False),
        ("gansweep", "GetObject", "mlpipeline/v2/artifacts/x", False),
        ("gansweep-upload", "PutObject", "gansweep/data/x/a.png", True),
        ("gansweep-upload", "DeleteObject", "gansweep/data/x/a.png", False),
        ("gansweep-upload", "GetObject", "gansweep/checkpoints/k", False),
        ("mlpipeline", "GetObject", "mlpipeline/v2/artifacts/x", True),
        ("mlpipeline", "GetObject", "gansweep/data/x/a.png", False),
    ],
)
def test_each_user_may_do_what_it_is_there_for_and_nothing_else(user, action, key, allowed):
    assert may(user, action, key) is allowed


def test_only_stages_that_read_data_or_keep_checkpoints_have_the_login():
    compiled = json_format.MessageToDict(load_pipeline().platform_spec)
    platform = compiled["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    with_login = {
        name.removeprefix("exec-").replace("-", "_")
        for name, executor in platform.items()
        if any(key["envVar"] in LOGIN.values() for one in executor.get("secretAsEnv", []) for key in one["keyToEnv"])
    }
    assert with_login == set(READERS)
    assert {"embed", "train_classifier", "evaluate", "compare"} == set(STAGES) - with_login
