import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys
from components.classifiers.start import start_tensorflow
start_tensorflow()
print(*sorted({name.split(".")[0] for name in sys.modules} & {"tensorflow", "keras", "sklearn", "pandas"}))
import pandas, sklearn.metrics
import components.train_classifier.train, components.classifiers.predict
"""


def test_tensorflow_starts_without_packages_that_no_stage_uses():
    pytest.importorskip("sklearn")
    pytest.importorskip("pandas")
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "keras tensorflow\n"
