"""Writing the ledger: lines accrue and move, by transactions that balance and never change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, groupby
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.utils import timezone

from provenance.actor import COLOPHON, Actor
from provenance.audit_log import actions as audit_log
from provenance.audit_log.entry import Statement
from provenance.licensing.ledger_events import LinesHeld, LinesMoved, LinesReversed, RoyaltyAccrued
from provenance.licensing.models import LedgerTransaction, Posting, RoyaltyLine
from provenance.licensing.prices import PriceLine
from provenance.licensing.queries import ledger as queries

Kind, Account = LedgerTransaction.Kind, Posting.Account
MOST_LINES = 300
"""Lines of one transaction: more would not go into one entry."""
TAKE_NUMBERS = """
INSERT INTO licensing_payeecount (party_id, last) SELECT * FROM unnest(%s::uuid[], %s::bigint[])
ON CONFLICT (party_id) DO UPDATE SET last = licensing_payeecount.last + EXCLUDED.last
RETURNING party_id, last
"""


@dataclass(frozen=True, kw_only=True)
class Earning:
    """One image or prepayment that somebody earns by."""

    price: PriceLine
    licensee_id: UUID
    right_id: UUID
    subject_kind: str
    subject_id: UUID
    terms_digest: str
    kind: str = Kind.ROYALTY
    use_id: UUID | None = None
    generation: UUID | None = None
    image: str = ""
    replaces: UUID | None = None
    reason: str = ""


def earning_again(transaction: LedgerTransaction, *, price: PriceLine, reason: str) -> Earning:
    """Return what a transaction earned as something to accrue anew at another price or to other parties."""
    one = transaction
    return Earning(
        kind=one.kind, price=price, licensee_id=one.licensee_id, right_id=one.right_id,
        subject_kind=one.subject_kind, subject_id=one.subject_id, terms_digest=one.terms_digest, use_id=one.use_id,
        generation=one.generation, image=one.image, replaces=one.pk, reason=reason,
    )  # fmt: skip


def accrue(earnings: Sequence[Earning]) -> list[RoyaltyLine]:
    """Record what images or prepayments earned, divided among the parties; what a hold covers is held at once."""
    if not earnings:
        return []
    keep_holds()
    numbers = _take_numbers(Counter(party for earning in earnings for party in earning.price.parts()))
    made = [_made(earning, numbers=numbers) for earning in earnings]
    began = timezone.now()
    leaves = _stated([statement for _, _, statement in made], at=began)
    for place, ((transaction, _, _), leaf) in enumerate(zip(made, leaves, strict=True)):
        transaction.leaf, transaction.at = leaf, began + timedelta(microseconds=place)
    lines = [line for _, parts, _ in made for line in parts]
    LedgerTransaction.objects.bulk_create([transaction for transaction, _, _ in made])
    RoyaltyLine.objects.bulk_create(lines)
    Posting.objects.bulk_create([side for one, parts, _ in made for side in _accrual_postings(one, parts)])
    hold_covered(lines)
    return lines


def keep_holds() -> None:
    """Let no hold be placed or lifted from here until this transaction ends; other accruals go on beside it.

    Whoever may accrue takes this before any grant, work, style or line: the end of a dispute, which changes holds
    first of all, takes those after it, and two that took them crosswise would wait for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended('holds', 7))")


def change_holds() -> None:
    """Wait for accruals that have not committed, and let none begin until this transaction ends.

    Otherwise an accrual would not see the hold, nor the hold its lines, and they would slip through. Never after
    ``keep_holds`` in one transaction: two that had it would each wait for the other.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('holds', 7))")


def hold_covered(lines: Sequence[RoyaltyLine]) -> None:
    """Hold those of some accrued lines that have a reason to wait."""
    reasons = queries.holds_over([line.pk for line in lines])
    for reason in sorted(set(reasons.values())):
        covered = [line for line in lines if reasons.get(line.pk) == reason]
        move(covered, to=Account.HELD, kind=Kind.HOLD, tells=LinesHeld, reason=reason)


def _take_numbers(wanted: Mapping[str, int]) -> dict[str, Iterator[int]]:
    """Return the next numbers of some parties' lines, and hold those counts until the transaction ends."""
    parties = sorted(wanted)  # everybody takes them in one order
    with connection.cursor() as cursor:
        cursor.execute(TAKE_NUMBERS, [parties, [wanted[party] for party in parties]])
        return {str(party): count(last - wanted[str(party)] + 1) for party, last in cursor.fetchall()}


def _made(
    earning: Earning, *, numbers: Mapping[str, Iterator[int]]
) -> tuple[LedgerTransaction, list[RoyaltyLine], RoyaltyAccrued]:
    transaction = LedgerTransaction(
        pk=uuid4(),
        kind=earning.kind,
        use_id=earning.use_id,
        generation=earning.generation,
        image=earning.image,
        right_id=earning.right_id,
        subject_kind=earning.subject_kind,
        subject_id=earning.subject_id,
        terms_digest=earning.terms_digest,
        licensee_id=earning.licensee_id,
        price=earning.price.as_json(),
        replaces_id=earning.replaces,
        reason=earning.reason,
    )
    lines = [
        RoyaltyLine(
            pk=uuid4(),
            transaction=transaction,
            party_id=UUID(party),
            number=next(numbers[party]),
            basis_points=earning.price.splits[party],
            amount=part.minor_units,
            currency=part.currency,
        )
        for party, part in sorted(earning.price.parts().items())
    ]
    statement = RoyaltyAccrued(
        actor=COLOPHON,
        transaction=transaction.pk,
        generation=earning.generation,
        use=earning.use_id,
        image=earning.image,
        right=earning.right_id,
        subject_kind=earning.subject_kind,
        subject=earning.subject_id,
        terms_digest=earning.terms_digest,
        price=earning.price.as_json(),
        lines=[told(line, basis_points=line.basis_points) for line in lines],
        replaces=earning.replaces,
        reason=earning.reason,
    )
    return transaction, lines, statement


def told(line: RoyaltyLine, **more: Any) -> dict[str, Any]:
    """Return a line as entries name it."""
    return {
        "line": str(line.pk),
        "party": str(line.party_id),
        "number": str(line.number),
        "amount": str(line.amount),
        **more,
    }


def _stated(statements: Sequence[Statement], *, at: datetime) -> list[str]:
    if len(statements) == 1:
        return [audit_log.append(statements[0], at=at)]
    return audit_log.append_all(statements, at=at)


def _accrual_postings(transaction: LedgerTransaction, lines: Sequence[RoyaltyLine]) -> Iterator[Posting]:
    currency = lines[0].currency
    yield Posting(
        transaction=transaction,
        account=Account.OWED,
        holder=transaction.licensee_id,
        amount=sum(line.amount for line in lines),
        currency=currency,
    )
    for line in lines:
        yield posting(transaction, line, account=Account.ACCRUED, amount=-line.amount)


def posting(transaction: LedgerTransaction, line: RoyaltyLine, *, account: str, amount: int) -> Posting:
    """Return one side of a movement of a line."""
    return Posting(
        transaction=transaction,
        account=account,
        holder=line.party_id,
        line=line,
        amount=amount,
        currency=line.currency,
    )


# ---- moving lines ----------------------------------------------------------------------------------------------


def locked(lines: Iterable[UUID]) -> list[RoyaltyLine]:
    """Hold some lines until the transaction ends, in one order, so that two movements of one line never cross."""
    rows = RoyaltyLine.objects.select_for_update(of=("self",)).select_related("transaction")
    return list(rows.filter(pk__in=list(lines)).order_by("pk"))


def in_accounts(lines: Sequence[RoyaltyLine], accounts: Iterable[str]) -> list[RoyaltyLine]:
    """Return those of some locked lines that stand in one of some accounts now."""
    standing, wanted = queries.standing_of(line.pk for line in lines), set(accounts)
    return [line for line in lines if standing[line.pk] in wanted]


def move(
    lines: Sequence[RoyaltyLine],
    *,
    to: str,
    kind: str,
    tells: type[LinesMoved],
    reason: str,
    actor: Actor = COLOPHON,
) -> None:
    """Move locked lines from where they stand to another account."""
    standing = queries.standing_of(line.pk for line in lines)

    def sides(transaction: LedgerTransaction, line: RoyaltyLine) -> list[Posting]:
        return [
            posting(transaction, line, account=standing[line.pk], amount=line.amount),
            posting(transaction, line, account=to, amount=-line.amount),
        ]

    _record(lines, kind=kind, tells=tells, reason=reason, actor=actor, sides=sides)


def reverse(lines: Sequence[RoyaltyLine], *, reason: str, actor: Actor = COLOPHON) -> None:
    """Take locked lines back: the licensee no longer owes them, and a payee who was paid is to pay back."""
    standing = queries.standing_of(line.pk for line in lines)

    def sides(transaction: LedgerTransaction, line: RoyaltyLine) -> list[Posting]:
        was = standing[line.pk]
        owed = Posting(
            transaction=transaction,
            account=Account.OWED,
            holder=line.transaction.licensee_id,
            amount=-line.amount,
            currency=line.currency,
        )
        back = Account.REPAYABLE if was == Account.PAID else was
        return [posting(transaction, line, account=back, amount=line.amount), owed]

    standing_ones = [line for line in lines if standing[line.pk] != queries.REVERSED]
    _record(standing_ones, kind=Kind.REVERSAL, tells=LinesReversed, reason=reason, actor=actor, sides=sides)


def _record(
    lines: Sequence[RoyaltyLine],
    *,
    kind: str,
    tells: type[LinesMoved],
    reason: str,
    actor: Actor,
    sides: Callable[[LedgerTransaction, RoyaltyLine], list[Posting]],
) -> None:
    for batch in _batches(lines):
        transaction = LedgerTransaction(pk=uuid4(), kind=kind, at=timezone.now(), reason=reason)
        named = [told(line, currency=line.currency) for line in batch]
        statement = tells(actor=actor, transaction=transaction.pk, lines=named, reason=reason)
        transaction.leaf = audit_log.append(statement, at=transaction.at)
        transaction.save(force_insert=True)
        Posting.objects.bulk_create([side for line in batch for side in sides(transaction, line)])


def _batches(lines: Sequence[RoyaltyLine]) -> Iterator[list[RoyaltyLine]]:
    """Yield what goes into one entry: lines of one party, so that nobody's export tells of others' lines."""
    for _, own in groupby(sorted(lines, key=lambda line: (line.party_id, line.pk)), key=lambda line: line.party_id):
        waiting = list(own)
        yield from (waiting[start : start + MOST_LINES] for start in range(0, len(waiting), MOST_LINES))
