"""Brings the user's own network, or its weights, into the run."""
