"""Reads a data set once: bad files, duplicates, leaks and splits."""
