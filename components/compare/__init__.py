"""Compares the arms with `real` and concludes, with uncertainty."""
