"""What the log is told of offers, grants and opt-outs."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class OfferEnded(Statement):
    """An offer ended because its subject went to another owner."""

    offer: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class GrantGiven(Statement):
    """A party granted its style or work to one licensee."""

    grant: UUID
    offer: UUID
    licensee: UUID
    terms_digest: str


@dataclass(frozen=True, kw_only=True)
class GrantRevoked(Statement):
    """A grant ends for new uses; what was made under it keeps its terms."""

    grant: UUID


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
    """Conditions travelled to an image from what it was made with: as a work or input it keeps them (our policy)."""

    image: str
    licence: str
    terms_digest: str
