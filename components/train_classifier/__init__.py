"""Trains one classifier a replicate of an arm, on real and synthetic images mixed in memory."""
