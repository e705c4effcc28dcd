"""What a run's tasks wrote, as Kubeflow's metadata store (MLMD) has it: stage, name of the output, address.

Only Kubeflow Pipelines 2 has that store; records.py asks it where Kubeflow's API does not name artifacts. The path of
an artifact can't be guessed: it holds a random part, and a task served from the cache has the artifacts of an older
run. The user interface asks the same four questions over the same gRPC-Web, so that whoever sees a run there can fetch
its results with no other rights. The messages hold the fields that are needed, with the numbers of
ml_metadata/proto/metadata_store.proto; all others are passed over.
"""

import struct
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE = "ml_metadata.MetadataStoreService"
CONTENT_TYPE = "application/grpc-web+proto"
_FINISHED, _FAILED = (3, 5), 4  # Execution.State: COMPLETE, CACHED; FAILED
_OUTPUT = (1, 4)  # Event.Type: DECLARED_OUTPUT, OUTPUT
_NOT_FOUND = 5  # gRPC status

# Message -> its fields: number, name, type; a type with * is repeated, one in capitals another message.
_FIELDS: dict[str, list[tuple[int, str, str]]] = {
    "Value": [(1, "int_value", "int64"), (3, "string_value", "string")],
    "Property": [(1, "key", "string"), (2, "value", "Value")],  # an entry of a map on the wire
    "Context": [(1, "id", "int64")],
    "Execution": [(1, "id", "int64"), (3, "last_known_state", "int64"), (5, "custom_properties", "*Property")],
    "Step": [(2, "key", "string")],
    "Path": [(1, "steps", "*Step")],
    "Event": [(1, "artifact_id", "int64"), (2, "execution_id", "int64"), (3, "path", "Path"), (4, "type", "int64")],
    "Artifact": [(1, "id", "int64"), (3, "uri", "string")],
    "GetContextByTypeAndNameRequest": [(1, "type_name", "string"), (2, "context_name", "string")],
    "GetContextByTypeAndNameResponse": [(1, "context", "Context")],
    "GetExecutionsByContextRequest": [(1, "context_id", "int64")],
    "GetExecutionsByContextResponse": [(1, "executions", "*Execution")],
    "GetEventsByExecutionIDsRequest": [(1, "execution_ids", "*int64")],
    "GetEventsByExecutionIDsResponse": [(1, "events", "*Event")],
    "GetArtifactsByIDRequest": [(1, "artifact_ids", "*int64")],
    "GetArtifactsByIDResponse": [(1, "artifacts", "*Artifact")],
}


# Sends a gRPC-Web body to a path and returns what its third argument makes of the headers and the body of the answer;
# it may ask again if that raises LineageError.
Post = Callable[[str, bytes, Callable[[Mapping[str, str], bytes], Any]], Any]


class LineageError(ValueError):
    """The metadata store answered with an error."""


def find_outputs(post: Post, run_id: str) -> list[tuple[str, str, str]]:
    """Return stage, name and address of all artifacts of the finished tasks of a run; [] if it is unknown."""
    stages = {
        execution.id: _text(execution, "task_name").replace("-", "_")
        for execution in _executions(post, run_id)
        if execution.last_known_state in _FINISHED
    }
    if not stages:
        return []
    events = [
        event
        for event in _ask(post, "GetEventsByExecutionIDs", execution_ids=sorted(stages)).events
        if event.type in _OUTPUT and event.path.steps
    ]
    wanted = sorted({event.artifact_id for event in events})
    uris = {artifact.id: artifact.uri for artifact in _ask(post, "GetArtifactsByID", artifact_ids=wanted).artifacts}
    return [
        (stages[event.execution_id], event.path.steps[0].key, uris[event.artifact_id])
        for event in sorted(events, key=lambda event: (event.execution_id, event.artifact_id))
        if event.artifact_id in uris
    ]


def find_failed_pods(post: Post, run_id: str) -> list[str]:
    """Return the pods of a run's stages that failed, as their launchers named them. Raises LineageError."""
    failed = [_text(one, "pod_name") for one in _executions(post, run_id) if one.last_known_state == _FAILED]
    return [pod for pod in failed if pod]


def _executions(post: Post, run_id: str) -> list[Any]:
    found = _ask(post, "GetContextByTypeAndName", type_name="system.PipelineRun", context_name=run_id)
    if not found or not found.context.id:
        return []
    return list(_ask(post, "GetExecutionsByContext", context_id=found.context.id).executions)


def _ask(post: Post, method: str, **fields: Any) -> Any:
    request = message(f"{method}Request")(**fields)
    kind = message(f"{method}Response")
    return post(f"{SERVICE}/{method}", framed(request), lambda headers, body: unframed(headers, body, kind))


def framed(request: Any) -> bytes:
    """Return a message as the body of a gRPC-Web call."""
    body = request.SerializeToString()
    return struct.pack(">BI", 0, len(body)) + body


def unframed(headers: Mapping[str, str], body: bytes, kind: Any) -> Any:
    """Return the message of a gRPC-Web answer, None for "not found"; raises LineageError for any other status.

    The status stands in a last frame, or, where there is no message, in the headers.
    """
    trailers = {name: headers[name] for name in ("grpc-status", "grpc-message") if name in headers}
    found, place = None, 0
    while place + 5 <= len(body):
        flags, length = struct.unpack_from(">BI", body, place)
        frame = body[place + 5 : place + 5 + length]
        place += 5 + length
        if len(frame) < length:
            raise LineageError("the metadata store's answer is cut off")
        if flags & 0x80:
            trailers |= dict(line.split(":", 1) for line in frame.decode().splitlines() if ":" in line)
        else:
            found = kind.FromString(frame)
    status, said = int(trailers.get("grpc-status", "0")), trailers.get("grpc-message", "").strip()
    if status == _NOT_FOUND:
        return None
    if status or found is None:
        raise LineageError(f"the metadata store answered with status {status} ({said or 'no message'})")
    return found


@cache
def message(name: str) -> Any:
    """Return the class of a message."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"gansweep.{name}"))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="metadata_store.proto", package="gansweep", syntax="proto2")
    for name, fields in _FIELDS.items():
        described = file.message_type.add(name=name)
        for number, field, kind in fields:
            one = kind.removeprefix("*")
            added = described.field.add(name=field, number=number)
            added.label = kinds.LABEL_REPEATED if kind != one else kinds.LABEL_OPTIONAL
            if one in _FIELDS:
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".gansweep.{one}"
            else:
                added.type = kinds.TYPE_INT64 if one == "int64" else kinds.TYPE_STRING
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _text(execution: Any, key: str) -> str:
    return next((p.value.string_value for p in execution.custom_properties if p.key == key), "")
