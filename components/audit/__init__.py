"""Judges the synthetic set: its quality, its privacy, and whether a source may be judged by its arms at all."""
