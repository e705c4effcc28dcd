"""A helper: a process that trains replicates of an arm beside the stage's own.

    python -m components.train_classifier.helper WORDS

WORDS are JSON: a `helpers.Job`, the folder of the work that is shared, and how many replicates it is.
"""

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from components.classifiers.start import start_tensorflow
from components.contracts.arms import parse_arm
from components.contracts.classifier import load_classifier
from components.contracts.errors import InputError
from components.contracts.imageset import read_imageset
from components.contracts.slots import wanted
from components.train_classifier.helpers import Job
from components.train_classifier.share import SharedWork


def main(words: str) -> None:
    """Train replicates until none is left, or a cell of the loop wants the slot."""
    threading.Thread(target=_end_with_stage, daemon=True).start()
    told = json.loads(words)
    work = SharedWork(Path(told["work"]), told["replicates"])
    try:
        _train(Job(**told["job"]), work)
    except InputError as error:
        work.fail(error)
        sys.exit(1)
    except Exception as error:
        work.fail(error)
        raise


def _train(job: Job, work: SharedWork) -> None:
    classifier, file = load_classifier(job.network)
    development, synthetic = read_imageset(job.development_set), read_imageset(job.synthetic_set)
    start_tensorflow()
    from components.train_classifier.replicates import ClassifierSettings, Training, train_replicates

    training = Training(
        development,
        synthetic,
        parse_arm(job.arm),
        job.seed,
        ClassifierSettings(**job.settings),
        classifier,
        file,
        job.threads,
        Path(job.models),
    )
    train_replicates(training, _until_wanted(work), work)


def _until_wanted(work: SharedWork) -> Iterator[int]:
    for replicate in work.claims():
        yield replicate
        if wanted():
            return


def _end_with_stage() -> None:
    """End this process when standard input closes, which is when the stage's own is gone."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
