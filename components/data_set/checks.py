"""What a listed data set is refused for before any picture is read; `--dry-run`, `plan` and `prepare` all use it."""

from components.contracts.errors import InputError
from components.contracts.imageset import FEWEST_IMAGES, fold_count, smallest_class
from components.data_set.data_set import DataSet
from components.data_set.words import count, shown


def check_classes(data_set: DataSet) -> None:
    """Refuse a data set of a single class, or one in which a class lacks images to learn from or to test on."""
    names = data_set.classes
    if len(names) < 2:
        raise InputError(
            f"data_set: {data_set.address}: only one class, '{shown(names[0])}', is there; a classifier needs "
            "two or more"
        )
    for name in names:
        given = data_set.has_test_folder
        if given and not data_set.count(name, "test"):
            raise InputError(f"data_set: class '{shown(name)}' has no images under test/; every class needs some there")
        if not data_set.count(name, "", "train"):
            raise InputError(
                f"data_set: class '{shown(name)}' has no images under train/; every class needs some there"
            )


def check_files(data_set: DataSet, reasons: dict[str, str], max_bad_share: float) -> None:
    """Refuse a class of which more than `max_bad_share` of the files can't be used.

    `reasons` says why, by path; files that the listing refused are in there as well.
    """
    for name in data_set.classes:
        files = [file for file in data_set.files if file.label == name]
        bad = [file for file in files if file.path in reasons]
        if len(bad) > max_bad_share * len(files) or len(bad) == len(files):
            first = bad[0]
            links = any("link" in reasons[file.path] for file in bad)
            remedy = "copy the data set with cp -rL, which copies what links mean" if links else "mend or remove them"
            raise InputError(
                f"data_set: {len(bad):,} of {count(len(files), 'file')} of class '{shown(name)}' "
                f"({len(bad) / len(files):.1%}) can't be used, more than max_bad_share ({max_bad_share:.1%}); the "
                f"first is {shown(first.path)}: {reasons[first.path]}; {remedy}"
            )


def check_sizes(data_set: DataSet, test_share: float, validation_share: float, gan_batch_size: int) -> None:
    """Refuse a class with too few images for its GAN, or to judge synthetic images by; `gan_batch_size` 0: no GANs."""
    for name in data_set.classes:
        images = data_set.count(name, "", "train")
        if not data_set.has_test_folder:
            images -= round(test_share * images)
        if images < FEWEST_IMAGES:
            raise InputError(
                f"data_set: class '{shown(name)}' has {images} images to learn from; its synthetic images can be "
                f"judged from {FEWEST_IMAGES} on, so add images"
            )
        needed = smallest_class(gan_batch_size, validation_share)
        if images < needed:
            largest = gan_batch_size * images // needed
            raise InputError(
                f"gan_batch_size: class '{shown(name)}' has {images} images to learn from, a batch of {gan_batch_size} "
                f"needs {needed} (validation taken off); add images or set gan_batch_size to at most {largest}"
            )


def check_groups(data_set: DataSet, test_folds: int, validation_share: float) -> None:
    """Refuse a class whose images are of too few groups, by the table, for validation folds and a drawn test set."""
    if not any(file.group for file in data_set.files):
        return
    drawn = not data_set.has_test_folder
    needed = max(fold_count(validation_share) + drawn, test_folds if drawn else 0)
    for name in data_set.classes:
        groups = {
            (file.group, "" if file.group else file.path)
            for file in data_set.files
            if file.label == name and file.split != "test" and not file.refused
        }
        if len(groups) < needed:
            columns = shown(", ".join(data_set.table.columns.get("group", []))) if data_set.table else ""
            raise InputError(
                f"table: class '{shown(name)}' has images of {count(len(groups), 'group')} (lesions, patients) by "
                f"{columns}, at least {needed} are needed for validation{' and a test set' if drawn else ''}; choose "
                "other columns by table_columns, or give more images"
            )


def listed_reasons(data_set: DataSet) -> dict[str, str]:
    """Return why the listing refused files, by path."""
    return {file.path: file.refused for file in data_set.files if file.refused}


def listed_warnings(data_set: DataSet) -> list[str]:
    """Return all that deserves a look before any picture is read: the data set's warnings, and what is refused."""
    reasons = listed_reasons(data_set)
    said = list(data_set.warnings)
    for path, reason in list(reasons.items())[:1]:
        said.append(f"{count(len(reasons), 'file')} can't be used, first {shown(path)}: {reason}")
    return said
