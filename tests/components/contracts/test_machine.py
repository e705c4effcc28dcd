import os

import pytest

from components.contracts.machine import Machine, peak_memory, this_machine

GIB = 2**30


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Return a function that describes a machine of 64 processors and 256 GiB by its files: {path: content}."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 256 * GIB // 4096}.get)

    def described(files: dict[str, str]) -> Machine:
        for name, content in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return this_machine(tmp_path)

    return described


@pytest.mark.parametrize(
    ("files", "cores", "gib"),
    [
        ({}, 64, 256),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, 64, 256),
        (
            # Docker with --cpus 2 --memory 4g, version 2: the container sees its own group as the root.
            {
                "proc/self/cgroup": "0::/\n",
                "sys/fs/cgroup/cpu.max": "200000 100000\n",
                "sys/fs/cgroup/memory.max": f"{4 * GIB}\n",
            },
            2,
            4,
        ),
        (
            # A limit half-way up, as systemd sets it for all of a user's processes.
            {
                "proc/self/cgroup": "0::/user.slice/user-1.slice/session.scope\n",
                "sys/fs/cgroup/user.slice/user-1.slice/cpu.max": "350000 100000\n",
                "sys/fs/cgroup/user.slice/user-1.slice/session.scope/memory.max": "max\n",
            },
            3,
            256,
        ),
        (
            # Version 1.
            {
                "proc/self/cgroup": "4:memory:/docker/a\n2:cpu,cpuacct:/docker/a\n1:name=systemd:/\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes": f"{GIB}\n",
            },
            1,
            1,
        ),
        (
            {
                "proc/self/cgroup": "2:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            64,
            256,
        ),
    ],
)
def test_a_container_of_few_processors_on_a_large_machine_is_a_small_machine(machine, files, cores, gib):
    assert machine(files) == Machine(cores, gib * GIB)


def test_processors_that_this_process_may_not_run_on_do_not_count(machine, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 8})
    assert machine({}).cores == 3


@pytest.mark.parametrize(
    ("machine", "threads", "cells"),
    [
        (Machine(16, 64 * GIB), 1, 16),
        (Machine(16, 64 * GIB), 4, 4),
        (Machine(16, 8 * GIB), 1, 4),
        (Machine(2, GIB), 1, 1),
        (Machine(2, 64 * GIB), 8, 1),
    ],
)
def test_cells_fit_into_processors_and_memory(machine, threads, cells):
    assert machine.cells_at_once(threads) == cells


def test_workers_of_a_stage_fit_into_processors_and_memory():
    assert Machine(16, 64 * GIB).workers(threads=1, memory=GIB // 2) == 16
    assert Machine(16, 4 * GIB).workers(threads=1, memory=GIB // 2) == 8
    assert Machine(2, 64 * GIB).workers(threads=4, memory=GIB // 2) == 1


def test_the_most_memory_that_was_held_is_in_bytes():
    assert 2**23 < peak_memory() < 2**40
