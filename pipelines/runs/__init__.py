"""What a run is wherever it runs: its folder, how it is shown and how it ends."""
