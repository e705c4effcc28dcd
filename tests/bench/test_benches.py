"""Every bench runs in its small form; what it measures then means nothing and is not looked at."""

import runpy
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TABLE = runpy.run_path(str(HERE / "__main__.py"), run_name="table")
NOT_HERE = {"runners"}  # it needs the three images
BENCHES = sorted({path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py")} - NOT_HERE)


@pytest.mark.parametrize("name", BENCHES)
def test_the_small_form_of_a_bench_runs(name):
    well, _, said = TABLE["run"](name, TABLE["SMALL"][name])
    assert well, said
    assert said.strip()
