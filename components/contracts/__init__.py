"""What stages share: images, arms, metrics, figures, files, errors, progress."""
