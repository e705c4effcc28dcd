"""What the stand-in for Kubeflow Pipelines knows of artifacts: as ML Metadata tells it, and as version 3's API does."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.cluster.lineage import message
from pipelines.cluster.records import ROOT

Outputs = list[tuple[str, str, Path]]  # stage, name, place


def address(run_id: str, number: int, stage: str, name: str) -> str:
    """Return where output `number` of a run lies in the object store."""
    return f"{ROOT}/{run_id}/{stage}/{number}/{name}"


def metadata_answer(
    method: str, body: bytes, run_ids: list[str], outputs: Callable[[str], Outputs], failed_pods: list[str]
) -> bytes:
    """Answer a call of the metadata store about runs; `outputs` returns those of one, `failed_pods` are of each."""
    request = message(f"{method}Request").FromString(body[5:])
    answer = message(f"{method}Response")()
    if method == "GetContextByTypeAndName" and request.type_name == "system.PipelineRun":
        if request.context_name in run_ids:
            answer.context.id = run_ids.index(request.context_name) + 1
    elif method == "GetExecutionsByContext":
        for number, (stage, _, _) in enumerate(outputs(run_ids[request.context_id - 1])):
            execution = answer.executions.add(id=1000 * request.context_id + number, last_known_state=3)
            execution.custom_properties.add(key="task_name").value.string_value = stage
        for number, pod in enumerate(["", *failed_pods]):
            failed = answer.executions.add(id=1000 * request.context_id + 900 + number, last_known_state=4)
            failed.custom_properties.add(key="task_name").value.string_value = "compare"
            failed.custom_properties.add(key="pod_name").value.string_value = pod
    elif method == "GetEventsByExecutionIDs":
        for execution_id in request.execution_ids:
            run, number = divmod(execution_id, 1000)
            _, name, _ = outputs(run_ids[run - 1])[number]
            for kind, key in ((3, "an_input"), (4, name)):
                event = answer.events.add(artifact_id=execution_id, execution_id=execution_id, type=kind)
                event.path.steps.add(key=key)
    elif method == "GetArtifactsByID":
        for artifact_id in request.artifact_ids:
            run, number = divmod(artifact_id, 1000)
            stage, name, _ = outputs(run_ids[run - 1])[number]
            answer.artifacts.add(id=artifact_id, uri=address(run_ids[run - 1], number, stage, name))
    content, trailer = answer.SerializeToString(), b"grpc-status:0\r\n"
    return struct.pack(">BI", 0, len(content)) + content + struct.pack(">BI", 0x80, len(trailer)) + trailer


def tasks_of_version_3(run_id: str, outputs: Outputs) -> list[dict[str, Any]]:
    """Return a run's tasks as the API of version 3 gives them, one an output, a failed try and a loop among them."""
    tasks: list[dict[str, Any]] = [
        {
            "task_id": "loop",
            "name": "for-loop-1",
            "state": "SUCCEEDED",
            "type": "LOOP",
            **_wrote("generator", "of the loop"),
        },
        {
            "task_id": "try",
            "name": "compare",
            "state": "FAILED",
            "type": "RUNTIME",
            **_wrote("verdict", "of a failed try"),
        },
    ]
    for number, (stage, name, _) in enumerate(outputs):
        task = {"task_id": str(number), "name": stage, "state": ("SUCCEEDED", "CACHED")[number % 2], "type": "RUNTIME"}
        times = {
            "create_time": f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z",
            "end_time": "2026-01-01T01:00:00Z",
        }
        tasks.append({**task, **times, **_wrote(name, address(run_id, number, stage, name))})
    return tasks


def _wrote(name: str, uri: str) -> dict[str, Any]:
    produced = {"artifact_key": name, "type": "OUTPUT", "artifacts": [{"artifact_id": "1", "name": name, "uri": uri}]}
    return {"outputs": {"parameters": [], "artifacts": [produced]}}
