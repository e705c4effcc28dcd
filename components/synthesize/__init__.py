"""Draws the synthetic set, and measures its quality and privacy."""
