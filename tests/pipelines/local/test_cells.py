import contextlib
import threading

import pytest
from kfp.local import status
from kfp.local.io import IOStore
from kfp.local.orchestrator import enhanced_dag_orchestrator as orchestrator

from components.contracts.machine import Machine
from pipelines.local.kfp_local import allow_cells, allow_loops_over_outputs

GIB = 2**30


@pytest.fixture
def side_by_side(monkeypatch):
    """Return a function that gives kfp.local many tasks, and how many of them it runs side by side."""

    def most(wanted: int, seconds: float) -> int:
        lock, under_way, found = threading.Lock(), [], [0]
        barrier = threading.Barrier(wanted)

        def task(task_name: str, **_):
            with lock:
                under_way.append(task_name)
                found[0] = max(found[0], len(under_way))
            with contextlib.suppress(threading.BrokenBarrierError):
                barrier.wait(seconds)
            with lock:
                under_way.remove(task_name)
            return {}, status.Status.SUCCESS

        monkeypatch.setattr(orchestrator, "execute_task", task)
        executor = orchestrator.ParallelExecutor()
        tasks = [(f"task-{i}", None) for i in range(wanted)]
        names = ("pipeline_resource_name", "components", "executors", "io_store", "pipeline_root", "runner")
        nothing = dict.fromkeys((*names, "unique_pipeline_id"))
        executor.execute_parallel_tasks(tasks, **nothing, fail_stack=[])
        return found[0]

    return most


def test_kfp_runs_two_cells_of_a_loop_at_a_time_unless_it_is_told_otherwise(side_by_side, monkeypatch):
    """Where kfp has a limit of its own no longer, or a setting for it, `allow_cells` can go."""
    assert side_by_side(6, seconds=0.2) == 2
    monkeypatch.setattr(orchestrator.ParallelExecutor, "__init__", orchestrator.ParallelExecutor.__init__)  # put back
    allow_cells(Machine(16, 64 * GIB).cells_at_once(threads=1))
    assert side_by_side(16, seconds=60) == 16


def test_a_loop_over_another_output_than_the_returned_one_finds_its_items(monkeypatch):
    """Where kfp finds them itself, `allow_loops_over_outputs` can go."""
    store = IOStore(IOStore())
    store.put_parent_input("arms", ["real"])
    store.put_task_output("plan", "arm_pods", [1, 2])
    with pytest.raises(ValueError, match="plan-arm_pods"):
        store.get_parent_input("plan-arm_pods")
    monkeypatch.setattr(IOStore, "get_parent_input", IOStore.get_parent_input)  # put back
    allow_loops_over_outputs()
    assert store.get_parent_input("plan-arm_pods") == store.get_parent_input("pipelinechannel--plan-arm_pods") == [1, 2]
    assert store.get_parent_input("arms") == ["real"]
    for missing in ("plan-other", "nothing"):
        with pytest.raises(ValueError, match="other|nothing"):
            store.get_parent_input(missing)
