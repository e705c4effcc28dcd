"""The one kind of error that a user can mend."""

from components.contracts.plain_text import plain


class InputError(Exception):
    """Bad input: the message is one line that names the file or parameter and the way out.

    Names from data stand in it, so line ends become blanks and other control characters are escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__(plain(message.replace("\n", " ")))


class OutageError(InputError):
    """A server that did not answer for long: the same work may well succeed later."""
