"""Stating something to the log, and writing the log's own tables: indexes, checkpoints, keys, cosignatures."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import note as notes
from provenance.audit_log.entry import Leaf, Statement, commitment_to
from provenance.audit_log.events import LogKeyAdopted, LogKeyRotated, SettingsChanged
from provenance.audit_log.models import Checkpoint, Cosignature, LogKey, Opening, WitnessedLog
from provenance.canonical import Digest
from provenance.only_one import as_the_only_one

SEQUENCER = 7_166_273_002
"""Key of the lock that one sequencer holds."""
SETTINGS = 7_166_273_004
"""Key of the lock under which changed settings are told."""
KEYS = 7_166_273_003
"""Key of the lock under which the log's key is chosen."""

APPEND = """
WITH entry AS (
    INSERT INTO audit_log_entry (id, kind, at, commitment, leaf_hash) VALUES (%s, %s, %s, %s, %s) RETURNING id
), opening AS (
    INSERT INTO audit_log_opening (entry_id, salt, details) SELECT id, %s, %s FROM entry
)
INSERT INTO audit_log_pending (entry_id) SELECT id FROM entry
"""
TAKE_POSITIONS = """
WITH taken AS (
    DELETE FROM audit_log_pending WHERE entry_id IN (
        SELECT waiting.entry_id FROM audit_log_pending AS waiting
        JOIN audit_log_entry AS entry ON entry.id = waiting.entry_id
        ORDER BY entry.at, entry.id LIMIT %(most)s
    ) RETURNING entry_id
)
INSERT INTO audit_log_position (index, entry_id)
SELECT (SELECT coalesce(max(index) + 1, 0) FROM audit_log_position)
    + row_number() OVER (ORDER BY entry.at, entry.id) - 1, entry.id
FROM taken JOIN audit_log_entry AS entry ON entry.id = taken.entry_id
"""
HOLDS_LOCK = """
SELECT EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND pid = pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32) | objid::bigint = %s
)
"""


def append(statement: Statement, *, at: datetime | None = None) -> Digest:
    """Record a statement in the caller's transaction and return its leaf hash.

    Outside a transaction it refuses: a statement and the change it tells of stand or fall together. A row that
    keeps the entry's very time passes it as ``at``; else it is now.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("append() belongs inside the transaction of its change")
    entry, opening = _made(statement, at=at or timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(APPEND, [*entry, *opening[1:]])
    return str(entry[4])


def _made(statement: Statement, *, at: datetime) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the columns of a statement's entry, and of its opening."""
    details = statement.details()
    salt = secrets.token_bytes(32)
    leaf = Leaf(id=uuid4(), kind=statement.kind(), at=at, commitment=commitment_to(details, salt=salt))
    entry = (leaf.id, leaf.kind, leaf.at, leaf.commitment, leaf.hash())
    return entry, (leaf.id, salt, json.dumps(details, ensure_ascii=False))


def append_all(statements: Iterable[Statement], *, at: datetime | None = None) -> list[Digest]:
    """Record many statements in the caller's transaction and return their leaf hashes, in the order given.

    They keep that order in the log: each is a microsecond later than the one before, from ``at`` on, else from now.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("append_all() belongs inside the transaction of its changes")
    began = at or timezone.now()
    made = [_made(each, at=began + timedelta(microseconds=place)) for place, each in enumerate(statements)]
    with connection.cursor() as cursor:
        for table, columns, rows in (
            ("audit_log_entry", "id, kind, at, commitment, leaf_hash", (one[0] for one in made)),
            ("audit_log_opening", "entry_id, salt, details", (one[1] for one in made)),
            ("audit_log_pending", "entry_id", ((one[0][0],) for one in made)),
        ):
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
    return [one[0][4] for one in made]


def erase_openings(openings: QuerySet[Opening]) -> int:
    """Erase what opens some entries, in the caller's transaction; return how many there were.

    Leaves stay as they are, and so does every proof: only what they stated can no longer be read.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("erase_openings() belongs inside the transaction of its reason")
    erased, _ = Opening.objects.filter(pk__in=openings.values("pk")).delete()
    return erased


# ---- what the sequencer writes ---------------------------------------------------------------------------------


def as_the_only_sequencer() -> AbstractContextManager[bool]:
    """Return a block that is told whether this connection holds the sequencer's lock; the lock ends with it."""
    return as_the_only_one(SEQUENCER)


def is_still_the_sequencer() -> bool:
    """Say whether this connection, not one that replaced it, holds the sequencer's lock."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDS_LOCK, [SEQUENCER])
        return bool(cursor.fetchone()[0])


@transaction.atomic
def take_positions(*, most: int) -> int:
    """Give waiting entries, the oldest first, the next indexes; return how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE_POSITIONS, {"most": most})
        return int(cursor.rowcount)


@transaction.atomic
def store_checkpoint(checkpoint: notes.Checkpoint, *, note: str) -> None:
    """Keep a signed checkpoint, before anybody can see it."""
    Checkpoint.objects.create(
        size=checkpoint.size,
        root=f"sha256:{checkpoint.root.hex()}",
        origin=checkpoint.origin,
        note=note,
        signed_at=timezone.now(),
    )


@transaction.atomic
def store_cosignature(*, size: int, witness: str, line: str) -> None:
    """Keep what a witness signed under the checkpoint of a size; a second time changes nothing."""
    Cosignature.objects.get_or_create(
        checkpoint_id=size, witness=witness, defaults={"line": line, "received_at": timezone.now()}
    )


# ---- the installation's settings --------------------------------------------------------------------------------


@transaction.atomic
def state_settings(settings: Mapping[str, str]) -> bool:
    """Tell the log which settings are in force, where it knows others or none; say whether it did not know them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SETTINGS])
    newest = Opening.objects.filter(entry__kind=SettingsChanged.kind()).order_by("-entry__at", "-pk").first()
    known = newest.details["settings"] if newest else {}
    changed = sorted(name for name in {*known, *settings} if known.get(name) != settings.get(name))
    if changed:
        append(SettingsChanged(actor=Actor(account_id=None), settings=dict(settings), changed=changed))
    return bool(changed)


# ---- the log's key ---------------------------------------------------------------------------------------------


@transaction.atomic
def adopt_key(vkey: str) -> str:
    """Let the log sign with a key if it has none yet; return the key that signs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [KEYS])
    known = LogKey.objects.order_by("-pk").first()
    if known:
        return known.vkey
    LogKey.objects.create(vkey=vkey, adopted_at=timezone.now())
    append(LogKeyAdopted(actor=Actor(account_id=None), key=vkey))
    return vkey


@transaction.atomic
def rotate_key(*, actor: Actor, old: str, new: str) -> None:
    """Let the log sign with another key from the next checkpoint on, which will hold this statement."""
    with connection.cursor() as cursor:  # no sequencer may sign with the new key before it numbers the entry
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEQUENCER])
    LogKey.objects.create(vkey=new, adopted_at=timezone.now())
    append(LogKeyRotated(actor=actor, old_key=old, key=new))


# ---- as a witness of other logs --------------------------------------------------------------------------------


def hold_witnessed(origin: str) -> WitnessedLog | None:
    """Lock what we last cosigned of a log until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 2))", [origin])
    return WitnessedLog.objects.filter(origin=origin).first()


def keep_witnessed(checkpoint: notes.Checkpoint, *, note: str) -> None:
    """Remember a log's checkpoint as the newest that we cosigned."""
    WitnessedLog.objects.update_or_create(
        origin=checkpoint.origin,
        defaults={
            "size": checkpoint.size,
            "root": f"sha256:{checkpoint.root.hex()}",
            "note": note,
            "cosigned_at": timezone.now(),
        },
    )
