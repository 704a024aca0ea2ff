"""What the log is told of parties, works and styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
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


@dataclass(frozen=True, kw_only=True)
class StyleCarried(Statement):
    """An adapter file carries a style now; its works are those that the adapter was trained on."""

    style: UUID
    party: UUID
    carrier: str
    token: str
    adapter: str
    model: str
    works: int
    works_digest: str
    training: str
    """Id of the training run here; empty for a file that was trained elsewhere."""


@dataclass(frozen=True, kw_only=True)
class StyleAgreed(Statement):
    """Everybody who has a share in a proposed style has consented, and it stands."""

    style: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class StyleWithdrawn(Statement):
    """A style was taken back by its owner: it cannot be asked for."""

    style: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class StyleBroughtBack(Statement):
    """A withdrawn style stands again as it stood before."""

    style: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class SplitProposed(Statement):
    """A party proposed who shares in what a style or work earns."""

    agreement: UUID
    subject_kind: str
    subject: UUID
    party: UUID
    shares: Sequence[Mapping[str, Any]]
    """Each party with its basis points, by party."""


@dataclass(frozen=True, kw_only=True)
class SplitConsented(Statement):
    """A party consented to its share."""

    agreement: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class SplitRefused(Statement):
    """A party refused its share; the split that was in force stays."""

    agreement: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class SplitInForce(Statement):
    """Every party consented, and the split holds from now on."""

    agreement: UUID
    subject_kind: str
    subject: UUID
    replaces: str
    """The agreement that held before; empty where there was none."""
