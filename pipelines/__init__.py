"""The pipeline, its presets and placement, and the command line."""
