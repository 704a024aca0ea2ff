"""Folders in which adapter files lie while they are used; what killed workers left is cleared away."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "colophon-adapters-"
YOUNGEST_SECONDS = 60
"""A folder this young may be one that its maker is about to hold."""


@contextmanager
def adapter_folder() -> Iterator[Path]:
    """Lend an empty folder, held by a lock that the kernel lets go of however this process ends."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        handle = os.open(name, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield Path(name)
        finally:
            os.close(handle)


def clear_abandoned_folders() -> int:
    """Delete this user's adapter folders that no living process holds; return how many there were."""
    folders = Path(tempfile.gettempdir()).glob(f"{PREFIX}*")
    return sum(_cleared(folder) for folder in folders)


def _cleared(folder: Path) -> bool:
    with suppress(OSError):  # somebody else's, or gone meanwhile
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            made = os.fstat(handle)
            if made.st_uid != os.geteuid() or time.time() - made.st_mtime < YOUNGEST_SECONDS:
                return False
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
            return not folder.exists()
        finally:
            os.close(handle)
    return False
