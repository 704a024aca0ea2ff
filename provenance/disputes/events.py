"""What the log is told of disputes: who is a party to one stands in erasable rows, not here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from provenance.audit_log.entry import Statement


@dataclass(frozen=True, kw_only=True)
class DisputeOpened(Statement):
    """Somebody gave notice against a work, a style or an image; nothing stops yet."""

    dispute: UUID
    subject_kind: str
    subject: str
    ground: str
    evidence: Sequence[str]
    opt_out: UUID | None = None
    """The claim that opened it, where one did."""


@dataclass(frozen=True, kw_only=True)
class DisputeAssessed(Statement):
    """An auditor found a notice complete, from when new uses stop, or said what it lacks."""

    dispute: UUID
    is_complete: bool
    state: str


@dataclass(frozen=True, kw_only=True)
class DisputeSupplemented(Statement):
    """A side added words or evidence."""

    dispute: UUID
    side: str
    evidence: Sequence[str]
    state: str


@dataclass(frozen=True, kw_only=True)
class DisputeAnswered(Statement):
    """The other side gave its counter-notice."""

    dispute: UUID
    evidence: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class AuditorRecused(Statement):
    """An auditor stood back from a dispute."""

    dispute: UUID
    auditor: UUID


@dataclass(frozen=True, kw_only=True)
class NoticeErased(Statement):
    """What a claimant said in an ended dispute was erased at that person's request."""

    dispute: UUID


@dataclass(frozen=True, kw_only=True)
class DisputeEnded(Statement):
    """A dispute ended: upheld, dismissed, withdrawn by who gave notice, or lapsed."""

    dispute: UUID
    outcome: str
    remedy: str
    new_owner: UUID | None
