"""One file of a data set, as it was listed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageFile:
    """One file of a data set.

    `path` is relative to the data set, with forward slashes; `split` is "train", "test" or, in a data set
    without these, "". `refused` says why a file may not be read at all ("" for all others). `size` in bytes; `version`
    changes when the file is written anew (time of the change, or ETag). `group` names the lesion or patient that a
    table says it shows ("" if none does), `subgroups` its values of the data set's subgroups ("" where unknown).
    """

    path: str
    label: str
    split: str
    refused: str = ""
    size: int = 0
    version: str = ""
    group: str = ""
    subgroups: tuple[str, ...] = ()
