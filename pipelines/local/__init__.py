"""Runs the compiled pipeline on one machine."""
