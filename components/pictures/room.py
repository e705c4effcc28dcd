"""Room in memory for what several threads decode at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock

# Held by Python, numpy, scipy and Pillow themselves.
PROCESS_BYTES = 2**28
# What a thread may hold while others decode too: a picture of 50 million pixels of most kinds.
PICTURE_BYTES = 600_000_000
FILE_BYTES = 100_000_000
# Pillow's pictures in pieces of this size: from 32 MiB on the C library gives memory back as soon as it is free, below
# that each thread keeps some.
LARGE_BLOCK = 2**26


class Room:
    """Bytes that threads hold between them: `shared` at most, or more by one that has it all to itself.

    `most` is what there is at all. First come, first served, so that a large picture is not overtaken for ever.
    """

    def __init__(self, shared: int, most: int) -> None:
        self._shared, self._most = min(shared, most), most
        self._held = 0
        self._queue = Lock()
        self._changed = Condition()

    @contextmanager
    def taken(self, wanted: int) -> Iterator[None]:
        """Hold `wanted` bytes once they are free; raises MemoryError if they never will be."""
        if wanted > self._most:
            raise MemoryError(f"it takes {wanted / 1e9:.1f} GB, there are {max(0, self._most) / 1e9:.1f} GB")
        with self._queue, self._changed:
            self._changed.wait_for(lambda: not self._held or self._held + wanted <= self._shared)
            self._held += wanted
        try:
            yield
        finally:
            with self._changed:
                self._held -= wanted
                self._changed.notify_all()
