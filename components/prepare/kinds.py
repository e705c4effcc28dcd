"""Finds kinds of files that tell the classes apart, so that a classifier may learn the file instead of the disease."""

from collections import Counter
from pathlib import PurePosixPath

from components.data_set.words import shown
from components.pictures.reading import Reading

NEARLY_ALL = 0.9  # of a class, and at most the rest of another


def telling_kinds(reading: Reading) -> list[str]:
    """Return a line for each kind (ending, conversion) of nearly all files of a class and hardly any of another."""
    totals = Counter(file.label for file in reading.files)
    kinds: dict[str, Counter[str]] = {}
    for file, notes in zip(reading.files, reading.notes, strict=True):
        ending = PurePosixPath(file.path).suffix.casefold().replace("jpeg", "jpg")
        for kind in (f"named {ending or 'without an ending'}", *(f"converted, {note}" for note in notes)):
            kinds.setdefault(kind, Counter())[file.label] += 1
    lines = []
    for kind, counts in sorted(kinds.items()):
        shares = {label: counts[label] / total for label, total in totals.items()}
        most, least = max(shares, key=lambda label: shares[label]), min(shares, key=lambda label: shares[label])
        if shares[most] >= NEARLY_ALL and shares[least] <= 1 - NEARLY_ALL:
            lines.append(
                f"{shares[most]:.0%} of the files of {shown(most)} are {shown(kind)}, of {shown(least)} "
                f"{shares[least]:.0%}: a classifier may tell the classes by how the files were made"
            )
    return lines
