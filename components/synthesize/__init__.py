"""Draws the synthetic set."""
