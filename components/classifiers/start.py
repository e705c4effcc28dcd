"""Starts TensorFlow without what Keras would load besides it, were it installed."""

import importlib
import sys

# Keras wraps the one and takes tables of the other: a quarter of its start and 90 MB, of no use here.
NOT_NEEDED = ("pandas", "sklearn")


def start_tensorflow() -> None:
    """Import TensorFlow, and Keras with it; to be called before a module that does the same.

    Both packages can be imported as ever afterwards.
    """
    hidden = [name for name in NOT_NEEDED if name not in sys.modules]
    sys.modules |= dict.fromkeys(hidden)  # type: ignore[arg-type]  # to Python, None is a package that is not there
    try:
        importlib.import_module("tensorflow")
    finally:
        for name in hidden:
            del sys.modules[name]
