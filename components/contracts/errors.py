"""The one kind of error that a user can mend."""


class InputError(Exception):
    """Bad input: the message is one line that names the file or parameter and the way out."""
