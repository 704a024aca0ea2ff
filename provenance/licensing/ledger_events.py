"""What the log is told of uses and money: ids, digests and amounts, enough to recompute every statement.

The entries of one image's royalty name the request and the image by id and digest, and nobody by name: who asked for
it stands in the request's own entry, which can be erased without a line of anybody's statement going with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from provenance.audit_log.entry import Statement


@dataclass(frozen=True, kw_only=True)
class UsesReserved(Statement):
    """A request reserved uses of one right, at this price each or once."""

    generation: UUID
    use: UUID
    basis: str
    right: UUID
    subject_kind: str
    subject: UUID
    terms_digest: str
    price: Mapping[str, Any] | None
    reserved: int


@dataclass(frozen=True, kw_only=True)
class UsesSettled(Statement):
    """A delivered image made use of a right, and nobody earns by it."""

    generation: UUID
    use: UUID
    image: str
    right: UUID
    subject_kind: str
    subject: UUID
    terms_digest: str
    is_self_dealing: bool


@dataclass(frozen=True, kw_only=True)
class UsesReleased(Statement):
    """Reserved uses came to nothing: the request was refused, failed or was called off, or rests on another right."""

    generation: UUID
    use: UUID
    released: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class RoyaltyAccrued(Statement):
    """A delivered image, or a prepayment, earned these lines: the price, divided by the splits."""

    transaction: UUID
    generation: UUID | None
    use: UUID | None
    image: str
    right: UUID
    subject_kind: str
    subject: UUID
    terms_digest: str
    price: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]]
    """``line, party, number, basis_points, amount`` each; amounts are decimal strings in the price's currency."""
    replaces: UUID | None = None
    """The transaction whose lines were reversed for these."""
    reason: str = ""
    """Why they were."""


@dataclass(frozen=True, kw_only=True)
class LinesMoved(Statement):
    """Lines moved from one account to another; who holds them stays the same."""

    transaction: UUID
    lines: Sequence[Mapping[str, Any]]
    """``line, party, number, amount, currency`` each."""
    reason: str


class LinesHeld(LinesMoved):
    """Lines wait: for the end of a dispute, for a verified payee, or for a guardian."""


class LinesFreed(LinesMoved):
    """What lines waited for is over; they count as accrued again."""


class LinesDue(LinesMoved):
    """Lines are to be paid."""


class LinesReversed(LinesMoved):
    """Lines no longer stand; one that was paid is to be paid back."""


@dataclass(frozen=True, kw_only=True)
class PayoutRecorded(Statement):
    """An operator states that a party was paid, outside Colophon."""

    transaction: UUID
    party: UUID
    currency: str
    amount: str
    reference: str
    """Digest of the operator's reference; the words stay in the row."""
    lines: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class HoldPlaced(Statement):
    """What a work, style or image earns waits, for a reason."""

    subject_kind: str
    subject: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class HoldLifted(Statement):
    """A reason to wait is over."""

    subject_kind: str
    subject: str
    reason: str
