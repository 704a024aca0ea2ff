"""Memory of large pictures, given back to the system: glibc keeps it for each thread that ever had one."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

import psutil

KEPT = 64 * 2**20
"""Bytes that may be left behind: what usual pictures need again at once, and would have to be given page by page."""


class _Working:
    """How many work on pictures, and how much memory the process had when the last of them had left."""

    def __init__(self) -> None:
        self.lock, self.count, self.least = Lock(), 0, 0


_working = _Working()


@contextmanager
def given_back() -> Iterator[None]:
    """Work on a picture; when the last of several is done, what large ones left goes back to the system."""
    with _working.lock:
        _working.count += 1
        _working.least = _working.least or _resident()
    try:
        yield
    finally:
        with _working.lock:
            _working.count -= 1
            if not _working.count:
                _settle()


def _settle() -> None:
    now = _resident()
    if now > _working.least + KEPT:
        _trim()(0)
        now = _working.least = _resident()
    _working.least = min(_working.least, now)


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)


@cache
def _trim() -> Callable[[int], object]:
    """Return glibc's function that gives free pages back; one that does nothing where there is another libc."""
    try:
        found = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return lambda _: None
    found.argtypes = [ctypes.c_size_t]
    return found  # type: ignore[no-any-return]  # ctypes has no type for it
