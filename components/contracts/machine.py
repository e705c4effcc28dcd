"""How much of this machine a run may use: processors and memory, and how many cells of a loop they hold at a time."""

import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# What one cell takes: its framework (0.5 GiB), its image sets and its work.
CELL_BYTES = 2 * 2**30


@dataclass(frozen=True)
class Machine:
    """Processors and bytes of memory that this process may use."""

    cores: int
    memory: int

    def cells_at_once(self, threads: int) -> int:
        """Return how many cells of `threads` threads each run side by side: one at least."""
        return self.workers(threads, CELL_BYTES)

    def workers(self, threads: int, memory: int) -> int:
        """Return how many workers of `threads` threads and `memory` bytes each it has room for: one at least."""
        return max(1, min(self.cores // threads, self.memory // memory))


def this_machine(root: Path = Path("/")) -> Machine:
    """Return what this process may use: the machine's own, less what its affinity and its control groups forbid.

    `root` is where the file systems proc and sys are. Systems without them have no such limits.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for folder in _control_groups(root):
        quota, period = _cpu_limit(folder)
        if quota > 0 and period > 0:
            cores = min(cores, max(1, quota // period))
        memory = min([memory, *_numbers(folder / "memory.max"), *_numbers(folder / "memory.limit_in_bytes")])
    return Machine(cores, memory)


def peak_memory() -> int:
    """Return the most bytes of memory that this process has held, mapped files with it."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _control_groups(root: Path) -> Iterator[Path]:
    """Yield the folder of every control group that holds this process, of either version, with those around it.

    In a container the groups outside may be out of sight, and its own is the root that it sees.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        mounted = root / "sys/fs/cgroup" / controllers.split(",")[0]
        if controllers and not mounted.is_dir():
            mounted = root / "sys/fs/cgroup" / controllers
        inner = mounted / path.lstrip("/")
        yield mounted
        while inner != mounted and mounted in inner.parents:
            yield inner
            inner = inner.parent


def _cpu_limit(folder: Path) -> tuple[int, int]:
    """Return microseconds of processor time per period, and the period; 0 or less where there is no limit."""
    both = _numbers(folder / "cpu.max")
    if len(both) == 2:
        return both[0], both[1]
    quota, period = _numbers(folder / "cpu.cfs_quota_us"), _numbers(folder / "cpu.cfs_period_us")
    return (quota[0], period[0]) if quota and period else (0, 0)


def _numbers(file: Path) -> list[int]:
    """Return the numbers in a file of the kernel; none if it is not there or says `max`."""
    try:
        return [int(word) for word in file.read_text().split() if word != "max"]
    except OSError:
        return []
