"""What stages share: images, arms, metrics, files, errors, progress."""
