"""Measures what running a stage as a container costs against a process: python tests/bench/bench_runners.py.

Runs the small pipeline of the tests with both runners (make images first) and reads KFP's times from their logs.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# gansweep's own packages too: tests/ has folders of their names.
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from small_run import SMALL, command  # noqa: E402

from pipelines.phantoms.write import write_phantoms  # noqa: E402

LINE = re.compile(r"(\d+):(\d+):(\d+\.\d+) - INFO - (Executing task|Task) \S*?'([a-z-]+)'\S* ?(finished)?")
# Stages outside loops: in a loop, whose tasks share one logger, KFP loses some of the lines.
STAGES = ("plan", "prepare", "fetch_classifier", "synthesize", "audit", "compare")


def seconds_a_task(log: str) -> dict[str, float]:
    """Return stage -> its wall time in seconds, from the runner's start of it to its end."""
    started, taken = {}, {}
    for hours, minutes, seconds, begins, stage, ends in LINE.findall(log):
        now = 3600 * int(hours) + 60 * int(minutes) + float(seconds)
        if begins == "Executing task":
            started[stage] = now
        elif ends:
            taken[stage] = now - started[stage]
    return {stage: taken[stage] for stage in STAGES}


def main() -> None:
    """Print one line a stage: seconds as a process, as a container, and the difference."""
    times = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_phantoms(folder / "phantoms", per_class=30, test_per_class=12, size=32)
        for runner in ("subprocess", "docker"):
            words = command("--data", folder / "phantoms", "--out", folder / runner, "--runner", runner, **SMALL)
            start = time.monotonic()
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
            whole = {"whole run": time.monotonic() - start}
            times.append(seconds_a_task((folder / runner / "run.log").read_text()) | whole)
    print(f"{'stage':18}{'process':>9}{'container':>11}{'more':>7}  seconds")
    for stage, process in times[0].items():
        print(f"{stage:18}{process:9.1f}{times[1][stage]:11.1f}{times[1][stage] - process:7.1f}")


if __name__ == "__main__":
    main()
