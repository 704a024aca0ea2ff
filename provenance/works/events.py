"""What the log is told of parties, works and styles."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from provenance.audit_log.entry import Statement


@dataclass(frozen=True, kw_only=True)
class PartyRecorded(Statement):
    """A party became known."""

    party: UUID
    name: str
    origin: str
    claim: str


@dataclass(frozen=True, kw_only=True)
class WorkRegistered(Statement):
    """A work was listed."""

    work: UUID
    party: UUID
    digest: str
    pixel_digest: str
    title: str
    licence: str


@dataclass(frozen=True, kw_only=True)
class CollectionRegistered(Statement):
    """Many works of one party were listed at once, from a manifest with its own digest."""

    party: UUID
    works: int
    manifest: str


@dataclass(frozen=True, kw_only=True)
class StyleRegistered(Statement):
    """A style was tied to its works and its carrier."""

    style: UUID
    party: UUID
    name: str
    carrier: str
    token: str
    adapter: str
    model: str
    works: int
    works_digest: str
    """Of the sorted list of the works' file digests."""


@dataclass(frozen=True, kw_only=True)
class StyleRebound(Statement):
    """A style is carried by another model now, and stands on the works that this one was trained on."""

    style: UUID
    party: UUID
    carrier: str
    token: str
    model: str
    works: int
    works_digest: str


@dataclass(frozen=True, kw_only=True)
class StyleLeftBehind(Statement):
    """The model that carried a style was replaced by one that does not know it."""

    style: UUID
    party: UUID
    model: str
    """Digest of the weights that carried it."""
    replaced_by: str
