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
class StyleDisputed(Statement):
    """A dispute stops new uses of a style."""

    style: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class StyleDisputeOver(Statement):
    """No dispute stops a style any more."""

    style: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class StyleRejected(Statement):
    """A dispute ended against a style: it cannot be used again."""

    style: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class WorkRejected(Statement):
    """A dispute ended against a work: it cannot be used again."""

    work: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class StyleHandedOver(Statement):
    """A dispute ended with another party as the owner of a style."""

    style: UUID
    party: UUID
    from_party: UUID


@dataclass(frozen=True, kw_only=True)
class WorkDisputed(Statement):
    """A dispute stops new uses of a work."""

    work: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class WorkDisputeOver(Statement):
    """No dispute stops a work any more."""

    work: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class WorkHandedOver(Statement):
    """A dispute ended with another party as the owner of a work."""

    work: UUID
    party: UUID
    from_party: UUID


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
    offered_by: str | None = None
    """The owner, where it offers for all; otherwise nothing is said."""


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


@dataclass(frozen=True, kw_only=True)
class CapacityDeclared(Statement):
    """A party said in which capacity it holds its rights; what an auditor had seen of its claim no longer counts."""

    party: UUID
    capacity: str
    until: str
    """When the capacity ends; empty where it does not."""
    evidence: str
    """Digest of the text that the party gave as evidence; empty where it gave none."""
    claim: str


@dataclass(frozen=True, kw_only=True)
class ClaimReviewed(Statement):
    """An auditor looked at a party's claim and said how far it is borne out."""

    party: UUID
    claim: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class GuardianshipRecorded(Statement):
    """Who acts for a party that is a minor, or that it is none any more."""

    party: UUID
    is_minor: bool
    guardian: str
    """The guardian's party; empty where there is none."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class MemberInvited(Statement):
    """A party offered an account its powers."""

    party: UUID
    account: UUID


@dataclass(frozen=True, kw_only=True)
class MemberJoined(Statement):
    """An account took up an invitation and acts for a party."""

    party: UUID
    account: UUID


@dataclass(frozen=True, kw_only=True)
class MemberLeft(Statement):
    """An account acts for a party no longer, or its invitation was taken back."""

    party: UUID
    account: UUID


@dataclass(frozen=True, kw_only=True)
class WorkWithdrawn(Statement):
    """A work was taken back by its owner: it cannot be used."""

    work: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class WorkBroughtBack(Statement):
    """A withdrawn work stands again."""

    work: UUID
    party: UUID


@dataclass(frozen=True, kw_only=True)
class WorkCredited(Statement):
    """Who a work's authors are, as they want to be credited."""

    work: UUID
    party: UUID
    authors: Sequence[str | None]
    """The credit name of each, null for one who stays anonymous."""


@dataclass(frozen=True, kw_only=True)
class WorkFlagged(Statement):
    """A work looks like somebody else's picture, and cannot be used until an auditor has seen both."""

    flag: UUID
    work: UUID
    party: UUID
    against_kind: str
    against: UUID
    distance: int


@dataclass(frozen=True, kw_only=True)
class FlagCleared(Statement):
    """An auditor found that a flagged work is not the other picture."""

    flag: UUID
    work: UUID
    reason: str
    state: str
    """Of the work after that: it stands once each of its flags is cleared, and stays what else it became meanwhile."""


@dataclass(frozen=True, kw_only=True)
class FlagRejected(Statement):
    """An auditor found that a flagged work is the other picture; it can never be used."""

    flag: UUID
    work: UUID
    reason: str
