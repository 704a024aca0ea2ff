"""What the log is told of offers, grants and opt-outs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from provenance.audit_log.entry import Statement


@dataclass(frozen=True, kw_only=True)
class OfferPublished(Statement):
    """A party offered a style or work on terms."""

    offer: UUID
    party: UUID
    subject_kind: str
    subject: UUID
    licence: str
    terms_digest: str
    version: int = 1
    replaces: UUID | None = None
    """The version before, which nobody can take any more."""


@dataclass(frozen=True, kw_only=True)
class OfferWithdrawn(Statement):
    """A party takes an offer back, for new uses."""

    offer: UUID


@dataclass(frozen=True, kw_only=True)
class OfferPaused(Statement):
    """A party lets nobody take an offer for now."""

    offer: UUID


@dataclass(frozen=True, kw_only=True)
class OfferResumed(Statement):
    """A paused offer can be taken again."""

    offer: UUID


@dataclass(frozen=True, kw_only=True)
class OfferEnded(Statement):
    """An offer ended because its subject went to another owner, or its party's data was erased."""

    offer: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class GrantGiven(Statement):
    """A party granted its style or work to one licensee."""

    grant: UUID
    offer: UUID
    licensee: UUID
    terms_digest: str
    price: Mapping[str, Any] | None = None
    """What it costs and to whom that goes; a flat price is owed from now on."""


@dataclass(frozen=True, kw_only=True)
class GrantRequested(Statement):
    """Somebody asked for a grant that its rightsholder approves or declines."""

    grant: UUID
    offer: UUID
    licensee: UUID
    terms_digest: str
    price: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class GrantApproved(Statement):
    """A rightsholder lets a grant count that was asked for."""

    grant: UUID


@dataclass(frozen=True, kw_only=True)
class GrantDeclined(Statement):
    """A rightsholder refuses a grant that was asked for."""

    grant: UUID


@dataclass(frozen=True, kw_only=True)
class GrantRevoked(Statement):
    """A grant ends for new uses; what was made under it keeps its terms."""

    grant: UUID


@dataclass(frozen=True, kw_only=True)
class OptOutClaimed(Statement):
    """An unverified party said no to the picture of a verified one; it waits for review and stops nothing."""

    opt_out: UUID
    party: UUID
    subject_kind: str
    subject: UUID
    digest: str
    source: str
    works: Sequence[UUID]
    """The verified parties' works that it is about."""


@dataclass(frozen=True, kw_only=True)
class OptOutUpheld(Statement):
    """A claim was reviewed and holds: it stops uses from now on."""

    opt_out: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class OptOutDismissed(Statement):
    """A claim was reviewed and does not hold."""

    opt_out: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class OptOutMatched(Statement):
    """A listed work is the opted-out picture, or a changed copy of it."""

    match: int
    opt_out: UUID
    work: UUID
    distance: int


@dataclass(frozen=True, kw_only=True)
class OptOutWithdrawn(Statement):
    """A party took its no back; offers and grants hold again."""

    opt_out: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class OptOutRecorded(Statement):
    """A party said no, from now on."""

    opt_out: UUID
    party: UUID
    subject_kind: str
    subject: UUID
    source: str


@dataclass(frozen=True, kw_only=True)
class TermsInherited(Statement):
    """Conditions travelled to an image from what it was made with, or to a listed copy of one (our policy)."""

    image: str
    licence: str
    terms_digest: str
    came_by: str | None = None
    """How they came to a listed copy; nothing for a delivered image."""
    sources: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class TermsLifted(Statement):
    """An auditor found that a listed picture is no copy of those that its conditions came from."""

    image: str
    work: UUID
    lifted_at: str
    reason: str
