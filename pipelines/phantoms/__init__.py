"""Drawn data sets for demonstration and tests."""
