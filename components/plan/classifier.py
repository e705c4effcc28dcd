"""Checks the classifier of a run before any work, without the framework that will train it."""

from dataclasses import replace

from components.contracts.classifier import APPLICATIONS, HOW_TO_SAVE_WEIGHTS, Classifier, chosen
from components.contracts.errors import InputError
from components.contracts.keras_file import HDF5, LARGEST_MODEL, read_keras_file
from components.contracts.user_files import file_digest, open_file
from components.plan.parameters import Parameters
from components.storage.addresses import local_file


def check_classifier(parameters: Parameters) -> Classifier:
    """Return the classifier that the parameters name, with the digest of the user's file of it.

    Raises InputError that says what does not fit: the name, the file, or the two together.
    """
    classifier = chosen(
        parameters.classifier,
        parameters.classifier_weights,
        parameters.classifier_trainable,
        parameters.classifier_start,
    )
    smallest = APPLICATIONS.get(classifier.name, 0) if classifier.kind == "application" else 0
    if parameters.image_size < smallest:
        raise InputError(f"image_size: {classifier.name} takes pictures of {smallest} pixels or more; set it to more")
    if not classifier.file:
        return classifier
    own = classifier.kind == "own"
    name = "classifier" if own else "classifier_weights"
    address = getattr(parameters, name)
    with local_file(name, address, LARGEST_MODEL) as path:
        if own:
            about = read_keras_file(path)
            if classifier.trainable == "all" and not about.trainable:
                raise InputError(
                    f"classifier: {classifier.name}: has no trainable weight, every layer is frozen; set "
                    "classifier_trainable=head, or save it with model.trainable = True"
                )
        else:
            with open_file(f"{name}: ", path, LARGEST_MODEL) as file:
                if file.read(len(HDF5)) != HDF5:
                    raise InputError(f"{name}: {address}: is no HDF5 file; {HOW_TO_SAVE_WEIGHTS}")
        return replace(classifier, sha256=file_digest(f"{name}: ", path, LARGEST_MODEL))
