"""Classifiers as evaluations and verdicts tell of them."""

from typing import Any

PAPER: dict[str, Any] = {
    "name": "paper",
    "kind": "paper",
    "trainable": "all",
    "start": "afresh",
    "file": "",
    "sha256": "",
    "weights": 108_225,
    "trainable_weights": 108_225,
}
PRETRAINED = PAPER | {
    "name": "pretrained",
    "kind": "pretrained",
    "trainable": "head",
    "start": "weights",
    "sha256": "e" * 64,
    "weights": 3_370_000,
    "trainable_weights": 3_937,
}
OWN = PAPER | {
    "name": "mine.keras",
    "kind": "own",
    "start": "weights",
    "file": "mine.keras",
    "sha256": "f" * 64,
    "weights": 2_000,
    "trainable_weights": 1_500,
}
