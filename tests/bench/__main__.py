"""Runs every bench, or those named, and writes one table: python -m tests.bench [--small] [bench ...].

The small form ends in seconds and shows that a bench runs; its figures mean nothing. The table goes to the terminal and
to build/bench.md. The status is 1 if a bench failed.
"""

import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
# Bench -> arguments of its small form; bench_runners needs the images and has none.
SMALL = {
    "audit": ["200", "50", "32", "1"],
    "compare": ["40"],
    "cores": ["60", "20", "2", "1"],
    "duplicates": ["200", "32", "1"],
    "growth": ["300", "60", "4", "3", "1", "1"],
    "heads": ["2", "200", "1", "3"],
    "memory": ["120", "32", "8"],
    "reading": ["300", "2", "3"],
    "storage": ["20", "1000"],
    "synthetic_sets": ["60", "60", "32", "1"],
    "train_classifier": ["64", "32", "1"],
    "train_gan": ["--batch", "8", "--width", "4", "--rounds", "1"],
}


def run(name: str, arguments: list[str]) -> tuple[bool, float, str]:
    """Run a bench; return whether it ended well, its seconds and what it printed."""
    start = time.monotonic()
    words = [sys.executable, str(ROOT / "tests" / "bench" / f"bench_{name}.py"), *arguments]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    return done.returncode == 0, time.monotonic() - start, (done.stdout if done.returncode == 0 else done.stderr)


def main(small: bool, names: list[str]) -> int:
    """Run all, or those named, show the table, and return the exit status."""
    table = Table("bench", "seconds", "what it found")
    lines = ["| bench | seconds | what it found |", "| --- | --- | --- |"]
    failed = False
    for name, arguments in ((name, SMALL[name]) for name in names or SMALL):
        well, seconds, said = run(name, arguments if small else [])
        failed |= not well
        # Benches call stages, which tell of their progress.
        found = [line for line in said.splitlines() if line.strip() and not line.startswith("gansweep ")]
        told = "\n".join(found) if well else f"failed: {said.strip().splitlines()[-1]}"
        table.add_row(name, f"{seconds:.1f}", told)
        lines.append(f"| {name} | {seconds:.1f} | {told.replace('|', '/').replace(chr(10), '<br>')} |")
    Console().print(table, markup=False)
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "bench.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main("--small" in sys.argv[1:], [word for word in sys.argv[1:] if word != "--small"]))
