"""Sends the pipeline to Kubeflow Pipelines, waits for a run, and brings its results back."""

import json
import secrets
import time
from pathlib import Path
from typing import Any

from components.contracts.errors import InputError
from components.contracts.files import remove_parts
from components.plan.parameters import check_parameters
from components.storage.objects import is_address
from pipelines.cluster.kubeflow import Cluster
from pipelines.cluster.records import Output, only
from pipelines.cluster.versions import find_version
from pipelines.parameters import addresses
from pipelines.runs.folder import LITTER, RESULTS, folder_name

# Kubeflow Pipelines keeps the parameters of a run in one column of its database.
MOST_BYTES_OF_PARAMETERS = 10_000


def check_for_cluster(values: dict[str, Any]) -> None:
    """Refuse parameters that no run in the cluster can have; the data set itself is checked there, by the first stage.

    Raises InputError naming the parameter and the way out.
    """
    check_parameters(values)
    for name, address in addresses(values):
        if not is_address(address):
            bring = f"gansweep upload {address} minio://gansweep/data/{Path(address).name}"
            raise InputError(f"{name}: {address} is on this machine, where pods can't read it; bring it there: {bring}")
    size = len(json.dumps(values).encode())
    if size > MOST_BYTES_OF_PARAMETERS:
        raise InputError(
            f"arms: all parameters together take {size:,} bytes, a run may have {MOST_BYTES_OF_PARAMETERS:,}; "
            "name fewer arms, or write a sweep (gansweep sweep)"
        )


def submit(
    cluster: Cluster, values: dict[str, Any], preset: str, experiment: str, registry: str, tag: str
) -> dict[str, Any]:
    """Start a run with these parameters and images, and return it as the cluster has it."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S")
    # The ending tells apart what was submitted in one second; by its name a run is found whose start was cut off.
    name = f"{Path(preset).stem} {Path(values['data_set']).name} {moment} {secrets.token_hex(2)}"
    version = find_version(cluster, registry, tag)
    return cluster.create_run(cluster.experiment(experiment), name, version.reference, values)


def results_folder(run: dict[str, Any]) -> Path:
    """Return the default folder for the results of a run, one that says when it was made and how it was named."""
    moment = time.strftime("%Y-%m-%d-%H%M%S")
    return Path("runs") / f"{moment}-{folder_name(run['display_name'].split(' ')[0])}"


def open_results_folder(folder: Path) -> None:
    """Make the folder for results; raises InputError if it can't be written or holds something else.

    One that was left half-filled, without a verdict, is gone on with.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_parts(folder, *RESULTS)
        held = {path.name for path in folder.iterdir()} - LITTER
    except OSError as error:
        raise InputError(f"--out: {folder} can't be written ({error.strerror}); give another folder") from None
    if held - set(RESULTS) or "verdict.json" in held:
        raise InputError(f"--out: {folder} holds files of something else; give a new or empty folder")


def fetch_results(cluster: Cluster, outputs: list[Output], folder: Path) -> None:
    """Bring a finished run's results, which are among its `outputs`, to `folder`; raises ClusterError if one isn't."""
    for file, name in sorted(RESULTS.items()):  # the verdict last: with it, the results are complete
        fetch(cluster, only(outputs, "compare", name), folder / file)


def fetch(cluster: Cluster, uri: str, path: Path) -> None:
    """Bring one file; one that came without its end is asked for again."""
    checks = {".json": _is_json, ".html": lambda content: content.rstrip().endswith(b"</html>")}
    cluster.fetch(uri, path, checks.get(path.suffix, bool))


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True
