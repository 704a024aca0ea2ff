"""Makers of log entries and of what a reader of the published log sees."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from provenance.actor import COLOPHON
from provenance.audit_log import actions as audit_log
from provenance.audit_log import files, queries
from provenance.audit_log.entry import Statement
from provenance.audit_log.note import OpenedCheckpoint, open_checkpoint


@dataclass(frozen=True, kw_only=True)
class BrushCleaned(Statement):
    """A kind of statement that only tests make."""

    number: str = ""


def entries(many: int, *, first: int = 0) -> list[str]:
    """Commit so many entries, each in a transaction of its own; their leaf hashes."""
    return [one_entry(str(first + number)) for number in range(many)]


def one_entry(number: str = "") -> str:
    """Commit one entry and return its leaf hash."""
    with transaction.atomic():
        return audit_log.append(BrushCleaned(actor=COLOPHON, number=number))


def published() -> OpenedCheckpoint:
    """Return the checkpoint in force as somebody reads it who knows the log's keys."""
    note = files.published()
    assert note is not None, "nothing is published"
    return open_checkpoint(note, keys=queries.keys())
