"""Lets `python -m pipelines` stand for `gansweep`."""

from gansweep import main

main()
