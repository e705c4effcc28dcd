"""The smallest run of the whole pipeline, as a command."""

import sys

SMALL = {
    "arms": "real,gan:10,traditional+gan:50%",
    "replicates": 2,
    "image_size": 32,
    "classifier": "paper",
    "gan_replicates": 1,
    "gan_updates": 9,
    "gan_batch_size": 8,
    "gan_checkpoint_updates": 3,
    "classifier_epochs": 2,
    "bootstrap_resamples": 100,
}


def command(*words: object, **settings: object) -> list[str]:
    """Return `gansweep run` with these words and settings, for subprocess."""
    sets = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    return [sys.executable, "-m", "pipelines", "run", *map(str, words), *sets]
