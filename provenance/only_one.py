"""Having one process at a time do something, by PostgreSQL's advisory locks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, connection


@contextmanager
def as_the_only_one(lock: int) -> Iterator[bool]:
    """Yield whether this connection holds a lock; it ends with the block, or with the connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock])
        is_held = bool(cursor.fetchone()[0])
    try:
        yield is_held
    finally:
        if is_held:
            with suppress(DatabaseError), connection.cursor() as cursor:  # a lost connection has lost its lock
                cursor.execute("SELECT pg_advisory_unlock(%s)", [lock])
