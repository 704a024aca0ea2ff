"""Money that waits for the end of a dispute, and money that goes to another party then."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance.actor import COLOPHON, Actor
from provenance.audit_log import actions as audit_log
from provenance.licensing.actions.ledger import (
    accrue,
    change_holds,
    earning_again,
    in_accounts,
    keep_holds,
    locked,
    move,
    reverse,
)
from provenance.licensing.ledger_events import HoldLifted, HoldPlaced, LinesFreed, LinesHeld
from provenance.licensing.models import Hold, LedgerTransaction, Posting, RoyaltyLine
from provenance.licensing.money import WHOLE, Money
from provenance.licensing.prices import PriceLine
from provenance.licensing.queries import ledger as queries

Kind, Account = LedgerTransaction.Kind, Posting.Account
UNPAID = (Account.ACCRUED, Account.HELD, Account.PAYABLE)


@transaction.atomic
def hold(*, subject_kind: str, subject_id: UUID | str, reason: str, actor: Actor = COLOPHON) -> None:
    """Let what a work, style, image (by digest) or party earned and earns wait; a second time changes nothing.

    A work's hold covers the styles that stand on it. What was paid already stays paid.
    """
    subject = str(subject_id)
    change_holds()
    _, is_new = Hold.objects.get_or_create(
        subject_kind=subject_kind,
        subject=subject,
        reason=reason,
        lifted_at=None,
        defaults={"placed_at": timezone.now()},
    )
    if not is_new:
        return
    audit_log.append(HoldPlaced(actor=actor, subject_kind=subject_kind, subject=subject, reason=reason))
    lines = locked(queries.lines_under(subject_kind=subject_kind, subject=subject))
    waiting = in_accounts(lines, [Account.ACCRUED, Account.PAYABLE])
    move(waiting, to=Account.HELD, kind=Kind.HOLD, tells=LinesHeld, reason=reason, actor=actor)


@transaction.atomic
def release(*, subject_kind: str, subject_id: UUID | str, reason: str, actor: Actor = COLOPHON) -> None:
    """Lift a hold; lines that nothing else holds count as accrued again. Without such a hold nothing changes."""
    subject = str(subject_id)
    change_holds()
    lifted = Hold.objects.filter(subject_kind=subject_kind, subject=subject, reason=reason, lifted_at=None)
    if not lifted.update(lifted_at=timezone.now()):
        return
    audit_log.append(HoldLifted(actor=actor, subject_kind=subject_kind, subject=subject, reason=reason))
    lines = in_accounts(locked(queries.lines_under(subject_kind=subject_kind, subject=subject)), [Account.HELD])
    still = queries.holds_over(line.pk for line in lines)
    free = [line for line in lines if line.pk not in still]
    move(free, to=Account.ACCRUED, kind=Kind.FREE, tells=LinesFreed, reason=reason, actor=actor)


@transaction.atomic
def reassign(*, subject_kind: str, subject_id: UUID | str, reason: str, owner: UUID, actor: Actor = COLOPHON) -> None:
    """Give what a subject itself earned, and nobody was paid yet, to another party.

    The lines are reversed and accrue anew; what stands on the subject besides, such as a style on a work, keeps
    its own payees.
    """
    keep_holds()
    lines = locked(queries.lines_under(subject_kind=subject_kind, subject=str(subject_id)))
    own = [line for line in in_accounts(lines, UNPAID) if _is_of(line, subject_kind=subject_kind)]
    reverse_and_reassign(own, splits={str(owner): WHOLE}, reason=reason, actor=actor)


def _is_of(line: RoyaltyLine, *, subject_kind: str) -> bool:
    return subject_kind == "image" or line.transaction.subject_kind == subject_kind


@transaction.atomic
def reverse_and_reassign(
    lines: list[RoyaltyLine], *, splits: dict[str, int], reason: str, actor: Actor = COLOPHON
) -> None:
    """Reverse some lines and let the same money accrue to other parties, in basis points that are 10,000 together."""
    keep_holds()
    held = in_accounts(locked(line.pk for line in lines), queries.STANDING)
    by_origin: dict[LedgerTransaction, int] = defaultdict(int)
    for line in held:
        by_origin[line.transaction] += line.amount
    reverse(held, reason=reason, actor=actor)
    accrue(
        [
            earning_again(origin, price=_for_others(origin, amount=amount, splits=splits), reason=reason)
            for origin, amount in by_origin.items()
        ]
    )


def _for_others(origin: LedgerTransaction, *, amount: int, splits: dict[str, int]) -> PriceLine:
    was = PriceLine.from_json(origin.price)
    return PriceLine(Money(amount, was.money.currency), per=was.per, splits=splits)
