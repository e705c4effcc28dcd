"""Intervals, tests and the rule of the verdict."""
