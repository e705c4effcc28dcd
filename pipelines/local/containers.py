"""Runs the stages in their images: what `gansweep run --runner docker` adds to kfp.local's DockerRunner.

KFP's own loop for one container removes it as it ends, so that a short failure can pass for a success and the reason
of a kill is lost; `run_stage` takes its place. Needs an engine on this machine: folders are mounted, not copied.
"""

import json
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from docker.models.containers import Container
from docker.types import DeviceRequest, Mount
from kfp import local
from kfp.local import docker_task_handler
from kubernetes.utils.quantity import parse_quantity
from requests import RequestException

from components.contracts.errors import InputError
from components.contracts.progress import failed, parse
from components.contracts.slots import VARIABLE as SLOTS
from components.storage.objects import VARIABLES, is_address
from pipelines.digest import code_digest
from pipelines.parameters import addresses
from pipelines.placement import STAGES

# Every container of a run carries this label; its value is the run's folder of artifacts.
LABEL = "gansweep.run"
# Every image carries this label; its value is the digest of the stages' code.
CODE_LABEL = "gansweep.code"
SHARED_MEMORY = "1g"

_starting = threading.Lock()


def check_images(images: Iterable[str]) -> None:
    """Refuse to run without a Docker engine and images of this very code.

    Raises InputError, which says what is missing and how to get it.
    """
    try:
        client = docker.from_env()
        client.ping()
    except DockerException:
        address = os.environ.get("DOCKER_HOST", "its default socket")
        raise InputError(
            f"--runner: no Docker engine answers at {address}; start Docker, or use --runner subprocess"
        ) from None
    for image in images:
        name = image.rpartition("/")[2].partition(":")[0] + (" VARIANT=cuda" if image.endswith("-cuda") else "")
        try:
            labels = client.images.get(image).labels
        except ImageNotFound:
            raise InputError(f"--runner: there is no image {image} here; make it with: make image-{name}") from None
        if labels.get(CODE_LABEL) != code_digest():
            raise InputError(
                f"--runner: image {image} holds other code than this; make it anew with: make image-{name}"
            )


def docker_runner(parameters: dict[str, Any], artifacts: str, checkpoints: str, slots: str) -> local.DockerRunner:
    """Return KFP's runner for a run with these parameters, whose stages have as few rights as they need.

    They run as the current user, without capabilities, and can write only below `artifacts`, `checkpoints` and /tmp;
    the files that the parameters name are mounted at their own paths, read-only. They have no network, unless the
    parameters name data in object storage: then that of this machine, and the way to the storage.
    """

    def run(client: docker.DockerClient, image: str, command: list[str], volumes: dict, **arguments: Any) -> int:
        return run_stage(client, image, command, parameters, volumes=volumes, **arguments)

    docker_task_handler.run_docker_container = run
    given = list(dict.fromkeys(address for _, address in addresses(parameters)))  # no place is mounted twice
    remote = any(is_address(place) for place in given)
    login = {name: os.environ[name] for name in VARIABLES if remote and name in os.environ}
    return local.DockerRunner(
        labels={LABEL: artifacts},
        user=f"{os.getuid()}:{os.getgid()}",
        environment={"GANSWEEP_CHECKPOINTS": checkpoints, SLOTS: slots, **login},
        mounts=[
            Mount(checkpoints, checkpoints, type="bind"),
            Mount(slots, slots, type="bind", read_only=True),
            *(Mount(path, path, type="bind", read_only=True) for path in given if not is_address(path)),
        ],
        tmpfs={"/tmp": ""},
        shm_size=SHARED_MEMORY,
        network_mode="host" if remote else "none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
    )


def run_stage(
    client: docker.DockerClient, image: str, command: list[str], parameters: dict[str, Any], **arguments: Any
) -> int:
    """Run one stage's container to its end, copying its output to standard output, and return its exit status.

    A failure that the stage can't speak of itself (killed, out of memory, not started) is reported in its name.
    """
    stage, cell = stage_and_cell(command)
    memory = parameters["gan_memory"] if stage == "train_gan" else STAGES[stage][2]
    bytes_of_memory = int(parse_quantity(memory))
    # The same limit on memory and swap together means no swap: a full container is ended, not slowed to a crawl.
    arguments |= {"mem_limit": bytes_of_memory, "memswap_limit": bytes_of_memory}
    if stage in parameters["gpu_stages"] and parameters["gpus"] not in ("", "0"):
        arguments["device_requests"] = [DeviceRequest(count=int(parameters["gpus"]), capabilities=[["gpu"]])]
    container, status = None, 1
    try:
        with _starting:
            container = client.containers.create(image, command, **arguments)
            container.start()
        last, spoke = "no message", False
        for line in _lines(container):
            print(line, flush=True)
            event = parse(line)
            spoke = spoke or (event is not None and event.kind == "failed")
            last = line.strip() or last
        status = container.wait()["StatusCode"]
        container.reload()
        if status and container.attrs["State"]["OOMKilled"]:
            remedy = "set gan_memory higher" if stage == "train_gan" else "take smaller images (image_size)"
            failed(stage, cell, f"out of memory, of which it may use {memory}; {remedy}")
        elif status > 128:
            failed(stage, cell, f"its container was killed (signal {status - 128})")
        elif status and not spoke:
            failed(stage, cell, last)
    except APIError as error:
        failed(stage, cell, f"its container failed: {error.explanation}")
    except RequestException:
        failed(stage, cell, "the Docker engine stopped answering")
    finally:
        if container:
            _remove(container)
    return status


def stage_and_cell(command: list[str]) -> tuple[str, str]:
    """Return the stage that a container's command runs and its cells as in progress lines ("-": none)."""
    stage = command[command.index("--function_to_execute") + 1]
    values = json.loads(command[command.index("--executor_input") + 1])["inputs"].get("parameterValues", {})
    if stage == "train_gan":
        return stage, ",".join(f"{gan['label']}/{gan['replicate']}" for gan in values["pod"]["gans"]) or "none"
    return stage, ",".join(values["pod"]["arms"]) if stage in ("train_classifier", "evaluate") else "-"


def remove_containers(artifacts: str | Path) -> None:
    """End and remove every container of the run with this folder of artifacts."""
    try:
        client = docker.from_env()
    except DockerException:
        return  # without an engine no container runs
    for container in client.containers.list(all=True, filters={"label": f"{LABEL}={artifacts}"}, ignore_removed=True):
        _remove(container)


def end_containers(artifacts: str) -> None:
    """Do the same from inside the process that starts them: none is started any more. Call it last."""
    _starting.acquire()
    remove_containers(artifacts)


def _lines(container: Container) -> Iterator[str]:
    """Yield the container's output in whole lines, for two containers at a time write to one log."""
    rest = b""
    for chunk in container.logs(stream=True, follow=True):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)
    if rest:
        yield rest.decode(errors="replace")


def _remove(container: Container) -> None:
    try:
        container.remove(force=True, v=True)
    except APIError as error:
        if error.status_code not in (404, 409):  # gone, or being removed already
            raise
    except RequestException:
        pass  # the engine is gone, and its containers with it
