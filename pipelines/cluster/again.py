"""Sees a run through: one that failed outside its stages is submitted again, and what is done comes from the cache."""

import re
from collections.abc import Callable
from typing import Any

from pipelines.cluster.failure import Failure
from pipelines.cluster.kubeflow import Cluster
from pipelines.runs.endings import StageError

MOST_TIMES_AGAIN = 3
_A_TRY = re.compile(r"(?P<name>.*), try (?P<number>\d+)$", re.DOTALL)


def see_through(
    cluster: Cluster,
    run: dict[str, Any],
    watch: Callable[[str], Failure | None],
    again: bool,
    say: Callable[[str], None],
) -> str:
    """Watch a run, and those submitted again in its place, until one succeeds; return its id.

    `watch` takes an id, waits for the run's end and returns why it failed, None if it did not. With `again` a run that
    failed of what may pass is submitted again, at most three times, and `say` is told so; a try that is there already,
    from an earlier command, is gone on with. Raises StageError with the reason of the last failure.
    """
    while failure := watch(run["run_id"]):
        where = f"({cluster.page(run['run_id'])})"
        name, number = _try_of(run["display_name"])
        if not failure.passing:
            raise StageError(f"{failure.reason} {where}")
        if not again or number > MOST_TIMES_AGAIN:
            advice = "submit it again: what is done comes from the cache"
            raise StageError(f"{failure.reason}; {f'after {number} tries' if number > 1 else advice} {where}")
        run = cluster.repeat(run, f"{name}, try {number + 1}")
        say(f"{failure.reason}; submitted again, {number} of {MOST_TIMES_AGAIN}: {cluster.page(run['run_id'])}")
    return run["run_id"]


def newest_try(cluster: Cluster, run: dict[str, Any]) -> dict[str, Any]:
    """Return the last run that was submitted in the place of this one, itself if there is none."""
    name, number = _try_of(run["display_name"])
    while found := cluster.find_run(run["experiment_id"], f"{name}, try {number + 1}"):
        if found["created_at"] < run["created_at"]:  # in the place of an older one of the same name
            break
        run, number = found, number + 1
    return run


def _try_of(name: str) -> tuple[str, int]:
    """Return a run's name without its number of tries, and that number."""
    match = _A_TRY.match(name)
    return (match["name"], int(match["number"])) if match else (name, 1)
