"""The codes that this process holds in memory, brought up to date with the database before every search.

A row's ``written_in`` is the transaction that wrote it. What was not visible in the snapshot taken last time is read
now; numbers would not do, because rows commit in another order than they are numbered. The snapshot is taken before
the rows are read, so nothing falls between two searches; a row read twice is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from django.db import connection

from provenance.attribution.flat_codes import FlatCodes

SNAPSHOT = "SELECT pg_current_snapshot()::text, pg_current_xact_id_if_assigned()::text"
UNSEEN = """
COPY (
    SELECT id, written_in::text::bigint, codes FROM attribution_keptfingerprint
    WHERE codes <> '' AND written_in >= '{least}'::xid8 AND (
        (NOT pg_visible_in_snapshot(written_in, '{seen}'::pg_snapshot) AND NOT written_in = ANY('{{{open}}}'::xid8[]))
        {open_rows}
    )
) TO STDOUT (FORMAT BINARY)
"""
OPEN_ROWS = "OR (written_in = '{transaction}'::xid8 AND id > {last})"
NOTHING_SEEN = "1:1:"
HEADER_BYTES, TRAILER_BYTES = 19, 2
ROW = np.dtype(
    [
        ("fields", ">i2"), ("id_size", ">i4"), ("id", ">i8"), ("written_size", ">i4"), ("written_in", ">i8"),
        ("codes_size", ">i4"), ("codes", "V320"),
    ]
)  # fmt: skip
"""A row of COPY's binary form (PostgreSQL, "COPY", Binary Format)."""


@dataclass
class _Held:
    codes: FlatCodes = field(default_factory=FlatCodes)
    seen: str = NOTHING_SEEN
    open: dict[int, int] = field(default_factory=dict)
    """Transactions that read their own rows here and may write more: the last row read of each."""
    reading: Lock = field(default_factory=Lock)


_held: dict[tuple[str, str], _Held] = {}


def held_codes() -> FlatCodes:
    """Return every code that the caller's transaction can see, and some that it cannot: rows must be looked up."""
    settings = connection.settings_dict
    held = _held.setdefault((str(settings["HOST"]), str(settings["NAME"])), _Held())
    with held.reading:
        _read_unseen(held)
    return held.codes


def _read_unseen(held: _Held) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SNAPSHOT)
        now, own = cursor.fetchone()
        if own is not None:
            held.open.setdefault(int(own), 0)
        rows = _rows(_statement(held))
    if len(rows):
        held.codes.add(rows["id"].astype(np.int64), rows["codes"].tobytes())
    for transaction in list(held.open):
        written = rows["id"][rows["written_in"] == transaction]
        held.open[transaction] = max(held.open[transaction], int(written.max(initial=0)))
        if str(transaction) != own and _is_over(transaction, now):
            del held.open[transaction]
    held.seen = now


def _statement(held: _Held) -> str:
    least = min([int(held.seen.split(":")[0]), *held.open])
    return UNSEEN.format(
        least=least,
        seen=held.seen,
        open=",".join(str(transaction) for transaction in held.open),
        open_rows=" ".join(OPEN_ROWS.format(transaction=one, last=last) for one, last in held.open.items()),
    )


def _rows(statement: str) -> np.ndarray:  # type: ignore[type-arg]  # a structured array has no type of its own
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        data = b"".join(bytes(part) for part in copy)
    return np.frombuffer(data[HEADER_BYTES:-TRAILER_BYTES], ROW)


def _is_over(transaction: int, snapshot: str) -> bool:
    """Say whether a transaction had ended when a snapshot was taken, as ``pg_visible_in_snapshot`` does."""
    least, beyond, running = snapshot.split(":")
    return transaction < int(least) or (transaction < int(beyond) and str(transaction) not in running.split(","))
