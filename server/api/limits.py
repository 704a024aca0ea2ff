"""What callers may have at once, of what is scarce: processor time, connections to the database, threads, streams."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.db import close_old_connections, connection

from provenance.errors import Fault
from server.memory import given_back

AT_ONCE, IN_LINE = 4, 24
"""Pictures of strangers that are worked on, and that are here at all.

The rest of a web process's eight connections to the database, and of its 32 threads, is for others.
"""
SECONDS_IN_LINE = 20.0
_at_once, _in_line = BoundedSemaphore(AT_ONCE), BoundedSemaphore(IN_LINE)
MOST_STREAMS = 20
"""Streams of events that one account may have open in a process at once."""


class TooManyStreams(Fault):
    """An account follows more requests at once than any person looks at."""

    code = "too-many-streams"
    en = "You have {most} streams of events open. Close one, or ask for the request itself now and then."
    zh = "您已打开 {most} 个事件流。请关闭其中一个，或定期查询请求本身。"


class TooMuchToCheck(Fault):
    """More pictures are being checked than this process can work on in reasonable time."""

    code = "too-much-to-check"
    en = "Many pictures are being checked just now. Try again in {seconds} seconds."
    zh = "正在核验的图片较多。请在 {seconds} 秒后重试。"


@contextmanager
def at_work() -> Iterator[None]:
    """Wait for a place among those that look at pictures; raise TooMuchToCheck where the line is too long."""
    if not _in_line.acquire(blocking=False):
        raise TooMuchToCheck(seconds=5)
    try:
        if not connection.in_atomic_block:
            close_old_connections()  # what asked who is calling would be held by everybody in the line
        if not _at_once.acquire(timeout=SECONDS_IN_LINE):
            raise TooMuchToCheck(seconds=30)
        try:
            with given_back():
                yield
        finally:
            _at_once.release()
    finally:
        _in_line.release()
