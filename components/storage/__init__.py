"""Folders and buckets: addresses, objects, checkpoints."""
