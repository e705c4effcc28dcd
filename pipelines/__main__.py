"""Lets `python -m pipelines` stand for `gansweep`."""

from pipelines.cli.main import main

main()
