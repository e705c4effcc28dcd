"""Runs a compiled pipeline with kfp.local.

    python -m pipelines.local.kfp_local PIPELINE PARAMETERS ARTIFACTS RUNNER CELLS

It is a process of its own so that the runner's noise can go to a log, and so that ending it ends every stage.
"""

import os
import signal
import sys
import threading
from typing import Any

import yaml
from kfp import components, local
from kfp.local.io import IOStore
from kfp.local.orchestrator.enhanced_dag_orchestrator import ParallelExecutor

from components.contracts.slots import VARIABLE as SLOTS


def main(pipeline_file: str, parameters_file: str, artifacts: str, runner: str, cells: str) -> None:
    """Run the pipeline to its end; raises RuntimeError from the runner if a stage failed.

    `runner` is subprocess, or docker: the stages in their images. So many `cells` of a loop run side by side.
    """
    threading.Thread(target=_end_with_parent, args=(artifacts, runner), daemon=True).start()
    with open(parameters_file, encoding="utf-8") as file:  # noqa: PTH123
        parameters = yaml.safe_load(file)
    stages = local.SubprocessRunner(use_venv=False)
    if runner == "docker":
        from pipelines.local.containers import docker_runner

        stages = docker_runner(parameters, artifacts, os.environ["GANSWEEP_CHECKPOINTS"], os.environ[SLOTS])
    allow_cells(int(cells))
    allow_loops_over_outputs()
    local.init(runner=stages, pipeline_root=artifacts, raise_on_error=True)
    components.load_component_from_file(pipeline_file)(**parameters)


def allow_cells(cells: int) -> None:
    """Let so many cells of a loop run side by side in this process.

    kfp.local 2.17 runs two whatever the machine has, so that loops in loops don't grow without bound; this pipeline has
    none. There is no setting for it: every executor takes its limit from the attributes set here.
    """
    original = ParallelExecutor.__init__

    def init(self: ParallelExecutor, max_workers: int | None = None) -> None:
        original(self, max_workers)
        self.conservative_max = self.max_workers = cells

    ParallelExecutor.__init__ = init


def allow_loops_over_outputs() -> None:
    """Let a loop go over any list that a task gives, in this process.

    kfp.local 2.17 finds the one that the task's function returns, and takes every other for an input of the pipeline.
    """
    original = IOStore.get_parent_input

    def get_parent_input(self: IOStore, key: str) -> Any:
        try:
            return original(self, key)
        except ValueError:
            task, _, output = key.removeprefix("pipelinechannel--").partition("-")
            return self.get_task_output(task, output)

    IOStore.get_parent_input = get_parent_input


def _end_with_parent(artifacts: str, runner: str) -> None:
    """End this process group when standard input closes, which is when the parent process is gone."""
    os.read(sys.stdin.fileno(), 1)
    if runner == "docker":
        from pipelines.local.containers import end_containers

        end_containers(artifacts)
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
