"""Stating something to the log."""

from __future__ import annotations

import secrets
from uuid import uuid4

from django.db import connection, transaction
from django.utils import timezone

from provenance.audit_log.entry import Leaf, Statement, commitment_to
from provenance.audit_log.models import Entry, Opening, Pending
from provenance.canonical import Digest


def append(statement: Statement) -> Digest:
    """Record a statement in the caller's transaction and return its leaf hash.

    Outside a transaction it refuses: a statement and the change it tells of stand or fall together.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("append() belongs inside the transaction of its change")
    details = statement.details()
    salt = secrets.token_bytes(32)
    leaf = Leaf(
        id=uuid4(),
        kind=statement.kind(),
        at=timezone.now(),
        commitment=commitment_to(details, salt=salt),
    )
    leaf_hash = leaf.hash()
    entry = Entry(id=leaf.id, kind=leaf.kind, at=leaf.at, commitment=leaf.commitment, leaf_hash=leaf_hash)
    entry.save(force_insert=True)
    Opening(entry=entry, salt=salt, details=details).save(force_insert=True)
    Pending(entry=entry).save(force_insert=True)
    return leaf_hash
