"""Starts the command line, whatever PYTHONPATH holds: a folder there may have names that gansweep's packages have too.

This module bears a name of its own, so that Python finds it, and puts Python's packages and gansweep's before those of
PYTHONPATH, before it imports any of them. The stages look for packages in the same order (pipelines/local/run.py).
"""

import os
import sys


def package_path() -> list[str]:
    """Return where packages are looked for: gansweep's own, Python's and those installed; last, what PYTHONPATH names.

    The folder that Python puts first (of the script, or the working folder) is none of them.
    """
    given = [os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    found = [os.path.abspath(path) for path in sys.path[0 if sys.flags.safe_path else 1 :]]
    own = os.path.dirname(os.path.abspath(__file__))
    return list(dict.fromkeys([own, *(path for path in found if path not in given), *given]))


def main() -> None:
    """Run the command line."""
    sys.path[:] = package_path()
    from pipelines.cli.main import main as command_line

    command_line()


if __name__ == "__main__":
    main()
