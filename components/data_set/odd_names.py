"""File names that tell of something else than pictures of a class: masks, and augmented copies."""

import re

from components.data_set.listing import Listing
from components.data_set.words import count, first_of

_MASK_BEFORE = re.compile(r"(mask|masks|seg|segmentation)[ _-]", re.IGNORECASE)
_MASK = re.compile(r"[ _-](mask|masks|seg|segmentation|superpixels|gt|annotation|label)(_?\d+)?$", re.IGNORECASE)
_AUGMENTED = re.compile(r"(^|[\W_])(aug|augmented|augmentation|flipped|rotated)($|[\W_\d])", re.IGNORECASE)


def odd_names(listing: Listing) -> list[str]:
    """Say which files are named like masks, and which like augmented copies."""
    stems = {file.path.rpartition(".")[0] for file in listing.files}
    masks, augmented = [], []
    for file in listing.files:
        stem = file.path.rpartition(".")[0]
        mark = _MASK.search(stem)
        folders = {part.casefold() for part in file.path.split("/")[:-1]}
        folder, _, name = stem.rpartition("/")
        before = _MASK_BEFORE.match(name)
        of = stem[: mark.start()] if mark else f"{folder}/{name[before.end() :]}".strip("/") if before else ""
        if of in stems or folders & {"mask", "masks", "segmentation", "segmentations"}:
            masks.append(file.path)
        if any(_AUGMENTED.search(part) for part in stem.split("/")[1:]):
            augmented.append(file.path)
    said = []
    if masks:
        stem = masks[0].rpartition(".")[0]
        mark, before = _MASK.search(stem), _MASK_BEFORE.match(stem.rpartition("/")[2])
        pattern = f"NAME{mark[0]} beside NAME" if mark else "a folder of masks"
        pattern = f"{before[0]}NAME beside NAME" if before and not mark else pattern
        said.append(
            f"{count(len(masks), 'file')} named like masks ({pattern}: {first_of(masks)}) are taken for pictures; move "
            "masks out of the data set"
        )
    if augmented:
        said.append(
            f"{count(len(augmented), 'file')} named like augmented copies ({first_of(augmented)}) are taken for "
            "pictures of their own; leave copies out, gansweep makes its own"
        )
    return said
