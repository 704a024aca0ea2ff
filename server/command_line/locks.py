"""Locks between processes that the kernel lets go of when their holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class Lock:
    """One lock on one file; open it with ``with`` before taking it, and leaving lets go of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1

    def __enter__(self) -> Lock:
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
        self._file = -1

    def share(self) -> bool:
        """Take the lock together with others, unless somebody holds it alone; say whether that worked."""
        return self._take(fcntl.LOCK_SH)

    def take_alone(self) -> bool:
        """Take the lock, or turn a shared one into one held alone, unless others have it; say whether it worked.

        Linux lets go of a shared lock before it tries for the other: after False, nothing is held.
        """
        return self._take(fcntl.LOCK_EX)

    def _take(self, kind: int) -> bool:
        try:
            fcntl.flock(self._file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock alone for a while, waiting for it as long as it takes."""
        with self:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            yield
