"""Prepayments and their refunds, what becomes payable, and what an operator says was paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from provenance.actor import COLOPHON, Actor
from provenance.audit_log import actions as audit_log
from provenance.canonical import sha256_digest
from provenance.licensing.actions.ledger import (
    MOST_LINES,
    Earning,
    accrue,
    earning_again,
    hold_covered,
    in_accounts,
    keep_holds,
    locked,
    move,
    posting,
    reverse,
    told,
)
from provenance.licensing.errors import NothingPayable, PayoutDiffers
from provenance.licensing.ledger_events import LinesDue, LinesHeld, PayoutRecorded
from provenance.licensing.models import Grant, LedgerTransaction, Posting, RoyaltyLine
from provenance.licensing.money import Money
from provenance.licensing.prices import PriceLine
from provenance.licensing.queries import ledger as queries
from provenance.licensing.queries.uses import most_uses, taken_of
from provenance.works.errors import NotVerified
from provenance.works.models import Party
from provenance.works.queries import require_payable

Kind, Account = LedgerTransaction.Kind, Posting.Account
NOT_VERIFIED, NO_GUARDIAN = "party-not-verified", "guardian-missing"
REFUND = "refund"


# ---- prepayments -----------------------------------------------------------------------------------------------


def prepay(
    *,
    grant_id: UUID,
    licensee_id: UUID,
    subject_kind: str,
    subject_id: UUID,
    terms_digest: str,
    price: Mapping[str, Any],
) -> list[RoyaltyLine]:
    """Record what a grant costs once, in the caller's transaction, which gives it; a second time changes nothing."""
    line = PriceLine.from_json(price)
    if not line.is_owed or _prepayments(grant_id):
        return []
    return accrue(
        [
            Earning(
                kind=Kind.FLAT, price=line, licensee_id=licensee_id, right_id=grant_id, subject_kind=subject_kind,
                subject_id=subject_id, terms_digest=terms_digest,
            )
        ]
    )  # fmt: skip


@transaction.atomic
def refund_unused(*, actor: Actor, grant_id: UUID) -> bool:
    """Take back what was prepaid for a grant's uses that were never made: it was revoked, or its subject opted out.

    A grant without a count was paid for its term, which cannot be divided, and keeps its price. Uses that a
    request still has reserved are refunded when it releases them. A second time changes nothing. Says whether
    anything was refunded.
    """
    keep_holds()
    grant = Grant.objects.select_for_update().get(pk=grant_id)
    return _refund(grant, actor=actor)


def refund_again(*, grant_id: UUID) -> None:
    """Refund what a released use adds to an earlier refund of its grant; without one, nothing is changed."""
    if LedgerTransaction.objects.filter(right_id=grant_id, kind=Kind.FLAT, reason=REFUND).exists():
        keep_holds()
        _refund(Grant.objects.select_for_update().get(pk=grant_id), actor=COLOPHON)


def _prepayments(grant_id: UUID) -> list[LedgerTransaction]:
    return list(LedgerTransaction.objects.filter(right_id=grant_id, kind=Kind.FLAT).order_by("at"))


def _refund(grant: Grant, *, actor: Actor) -> bool:
    made, most = _prepayments(grant.pk), most_uses(grant.terms)
    if not made or not most:
        return False
    prepaid, latest = PriceLine.from_json(made[0].price), PriceLine.from_json(made[-1].price)
    taken = taken_of([grant.pk]).get(grant.pk, 0)
    kept = prepaid.money.minor_units - prepaid.money.minor_units * max(most - taken, 0) // most
    ids = RoyaltyLine.objects.filter(transaction__in=made).values_list("pk", flat=True)
    lines = in_accounts(locked(ids), queries.STANDING)
    if kept >= sum(line.amount for line in lines):
        return False
    reverse(lines, reason=REFUND, actor=actor)
    if kept:
        rest = replace(latest, money=Money(kept, latest.money.currency))
        accrue([earning_again(made[-1], price=rest, reason=REFUND)])
    return True


# ---- what becomes payable, and what was paid -------------------------------------------------------------------


def why_unpayable(party: Party) -> str:
    """Return the code of why nothing may be paid to a party yet; empty where it may."""
    try:
        require_payable(party)
    except NotVerified:
        return NO_GUARDIAN if party.is_minor else NOT_VERIFIED
    return ""


@transaction.atomic
def close_period(*, actor: Actor, until: datetime) -> dict[str, int]:
    """Make what accrued before a moment payable, or hold it with the reason; return how many lines went where.

    What was held for a reason that is over becomes payable too.
    """
    actor.require("operator")
    moved = {"payable": 0, "held": 0}
    for party in _earners(until=until):
        went = _close_for(party, actor=actor, until=until)
        moved = {name: moved[name] + went[name] for name in moved}
    return moved


def _earners(*, until: datetime) -> QuerySet[Party]:
    earners = RoyaltyLine.objects.filter(transaction__at__lt=until).values("party_id")
    return Party.objects.filter(pk__in=earners).select_related("guardian").order_by("pk")


def _close_for(party: Party, *, actor: Actor, until: datetime) -> dict[str, int]:
    waiting = queries.lines_of_party(party.pk, accounts=(Account.ACCRUED, Account.HELD), until=until)
    lines = locked(waiting.values_list("pk", flat=True))
    accrued, held = in_accounts(lines, [Account.ACCRUED]), in_accounts(lines, [Account.HELD])
    covered = queries.holds_over(line.pk for line in lines)
    if unpayable := why_unpayable(party):
        move(accrued, to=Account.HELD, kind=Kind.HOLD, tells=LinesHeld, reason=unpayable, actor=actor)
        return {"payable": 0, "held": len(accrued)}
    hold_covered([line for line in accrued if line.pk in covered])  # such as came while the hold was being placed
    due = [line for line in (*accrued, *held) if line.pk not in covered]
    move(due, to=Account.PAYABLE, kind=Kind.DUE, tells=LinesDue, reason="", actor=actor)
    return {"payable": len(due), "held": sum(line.pk in covered for line in accrued)}


@transaction.atomic
def record_payout(*, actor: Actor, party: Party, money: Money, reference: str) -> list[UUID]:
    """Record that a party was paid, outside Colophon, all that is payable to it in a currency.

    What it has to pay back is taken off. Raises NotVerified where its verification has ended since, NothingPayable,
    and PayoutDiffers for any other amount.
    """
    actor.require("operator")
    due, back = _payable(party, currency=money.currency)
    total = sum(line.amount for line in due) - sum(line.amount for line in back)
    if not due or total < 0:
        raise NothingPayable(currency=money.currency)
    require_payable(Party.objects.select_related("guardian").get(pk=party.pk))
    if total != money.minor_units:
        payable = Money(total, money.currency)
        raise PayoutDiffers(payable=payable.written(), stated=money.written())
    sides = [(line, Account.PAYABLE, line.amount) for line in due]
    sides += [(line, Account.REPAYABLE, -line.amount) for line in back]
    starts = range(0, len(sides), MOST_LINES)
    return [_pay(sides[start : start + MOST_LINES], actor=actor, party=party, reference=reference) for start in starts]


def _payable(party: Party, *, currency: str) -> tuple[list[RoyaltyLine], list[RoyaltyLine]]:
    """Return a party's payable lines and those that it has to pay back, held until the transaction ends."""
    wanted = queries.lines_of_party(party.pk, accounts=(Account.PAYABLE, Account.REPAYABLE), currency=currency)
    lines = locked(wanted.values_list("pk", flat=True))
    left = queries.accounts_of(line.pk for line in lines)
    due = [line for line in lines if Account.PAYABLE in left.get(line.pk, ())]
    back = [line for line in lines if Account.REPAYABLE in left.get(line.pk, ())]
    return due, back


def _pay(sides: Sequence[tuple[RoyaltyLine, str, int]], *, actor: Actor, party: Party, reference: str) -> UUID:
    one = LedgerTransaction(pk=uuid4(), kind=Kind.PAYOUT, at=timezone.now(), reason=reference[:200])
    statement = PayoutRecorded(
        actor=actor,
        transaction=one.pk,
        party=party.pk,
        currency=sides[0][0].currency,
        amount=str(sum(amount for _, _, amount in sides)),
        reference=sha256_digest(reference.encode()),
        lines=[told(line, amount=str(amount)) for line, _, amount in sides],
    )
    one.leaf = audit_log.append(statement, at=one.at)
    one.save(force_insert=True)
    Posting.objects.bulk_create(
        [
            posting(one, line, account=account, amount=amount)
            for line, taken_from, total in sides
            for account, amount in ((taken_from, total), (Account.PAID, -total))
        ]
    )
    return one.pk
