"""Lets `python -m pipelines` stand for `gansweep`."""

from pipelines.cli import main

main()
