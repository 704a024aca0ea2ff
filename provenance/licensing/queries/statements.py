"""Statements as the ledger's tables give them; the offline tool gives the same from the log's entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from provenance.canonical import sha256_digest, timestamp
from provenance.licensing.models import LedgerTransaction, Posting, RoyaltyLine
from provenance.licensing.queries.ledger import PAYABLE, REPAYABLE, standing
from provenance.licensing.statement.document import Line, Movement, Statement
from provenance.works.models import Party
from provenance.works.queries import is_payable

PLACED = """
LEFT JOIN audit_log_entry AS entry ON entry.leaf_hash = {of}.leaf
LEFT JOIN audit_log_position AS position ON position.entry_id = entry.id
"""
LINES = f"""
WITH standing AS (
    SELECT line_id, array_agg(account ORDER BY account) AS accounts FROM (
        SELECT posting.line_id, posting.account FROM licensing_posting AS posting
        JOIN licensing_ledgertransaction AS moved ON moved.id = posting.transaction_id
        WHERE posting.holder = %(party)s AND moved.at < %(until)s
        GROUP BY posting.line_id, posting.account HAVING sum(posting.amount) <> 0
    ) AS left_over GROUP BY line_id
)
SELECT line.number, line.id::text, position.index, origin.at, origin.kind, origin.generation::text, origin.image,
    origin.subject_kind, origin.subject_id::text, origin.right_id::text, origin.terms_digest,
    (origin.price ->> 'amount')::bigint, line.basis_points, line.amount, line.currency, standing.accounts,
    origin.replaces_id::text
FROM licensing_royaltyline AS line
JOIN licensing_ledgertransaction AS origin ON origin.id = line.transaction_id
{PLACED.format(of="origin")}
LEFT JOIN standing ON standing.line_id = line.id
WHERE line.party_id = %(party)s AND origin.at >= %(since)s AND origin.at < %(until)s ORDER BY line.number
"""
MOVEMENTS = f"""
SELECT position.index, moved.at, moved.kind, moved.reason, line.currency, array_agg(DISTINCT line.number),
    sum(posting.amount) FILTER (WHERE posting.amount > 0), -sum(posting.amount) FILTER (WHERE posting.account = 'paid')
FROM licensing_posting AS posting
JOIN licensing_ledgertransaction AS moved ON moved.id = posting.transaction_id
JOIN licensing_royaltyline AS line ON line.id = posting.line_id
{PLACED.format(of="moved")}
WHERE posting.holder = %(party)s AND moved.kind NOT IN ('royalty', 'flat')
    AND moved.at >= %(since)s AND moved.at < %(until)s
GROUP BY position.index, moved.id, line.currency ORDER BY position.index NULLS LAST, moved.at, line.currency
"""
AT_END = """
SELECT posting.currency, posting.account, -sum(posting.amount) FROM licensing_posting AS posting
JOIN licensing_ledgertransaction AS moved ON moved.id = posting.transaction_id
WHERE posting.holder = %(party)s AND moved.at < %(until)s GROUP BY posting.currency, posting.account
"""
PAYABLES = """
WITH due AS (
    SELECT holder, currency, line_id, sum(amount) AS total FROM licensing_posting WHERE account IN (%s, %s)
    GROUP BY holder, currency, line_id HAVING sum(amount) <> 0
)
SELECT party.id::text, party.name, due.currency, -sum(due.total), count(*)
FROM due JOIN works_party AS party ON party.id = due.holder
GROUP BY party.id, party.name, due.currency HAVING sum(due.total) < 0 ORDER BY party.name, party.id, due.currency
"""
NAMES = """
SELECT id::text, name FROM works_style WHERE id = ANY(%(ids)s::uuid[])
UNION ALL SELECT id::text, title FROM works_work WHERE id = ANY(%(ids)s::uuid[])
UNION ALL SELECT id::text, name FROM works_party WHERE id = ANY(%(ids)s::uuid[])
"""
MOVED = {"hold": "held", "free": "freed", "due": "due", "reversal": "reversed", "payout": "paid"}
"""What a statement calls the movements of the ledger."""


def statement_of(party: UUID, *, since: datetime, until: datetime) -> Statement:
    """Return a party's statement of a period, in three queries."""
    values = {"party": party, "since": since, "until": until}
    with connection.cursor() as cursor:
        cursor.execute(LINES, values)
        lines = [_line(row) for row in cursor.fetchall()]
        cursor.execute(MOVEMENTS, values)
        movements = [_movement(row) for row in cursor.fetchall()]
        cursor.execute(AT_END, values)
        at_end: dict[str, dict[str, int]] = defaultdict(dict)
        for currency, account, amount in cursor.fetchall():
            at_end[currency][account] = int(amount)
    return Statement(str(party), timestamp(since), timestamp(until), lines, movements, at_end)


def _line(row: Sequence[Any]) -> Line:
    number, line, index, at, *rest = row
    kind, generation, image, subject_kind, subject, right, terms, price, points, amount, currency = rest[:11]
    return Line(
        number, line, index, timestamp(at), kind, generation, image, subject_kind, subject, right, terms, price,
        points, amount, currency, standing(rest[11] or ()), rest[12],
    )  # fmt: skip


def _movement(row: Sequence[Any]) -> Movement:
    index, at, kind, reason, currency, numbers, moved, paid = row
    is_payout = kind == "payout"
    return Movement(
        index=index,
        at=timestamp(at),
        kind=MOVED[kind],
        reason=sha256_digest(reason.encode()) if is_payout else reason,
        amount=int(paid if is_payout else moved),
        currency=currency,
        numbers=tuple(sorted(numbers)),
    )


def payables() -> list[dict[str, Any]]:
    """Return what is payable to each party in each currency, less what it has to pay back.

    A party whose verification has ended since its lines became payable is left out until it has another.
    """
    with connection.cursor() as cursor:
        cursor.execute(PAYABLES, [PAYABLE, REPAYABLE])
        rows = cursor.fetchall()
    among = Party.objects.select_related("guardian").filter(pk__in={row[0] for row in rows})
    payable = {str(party.pk) for party in among if is_payable(party)}
    return [
        {"party": party, "name": name, "currency": currency, "amount": str(amount), "lines": lines}
        for party, name, currency, amount, lines in rows
        if party in payable
    ]


def lines_in(party: UUID, *, since: datetime, until: datetime) -> int:
    """Return how many lines a party has in a period."""
    lines = RoyaltyLine.objects.filter(party_id=party, transaction__at__gte=since, transaction__at__lt=until)
    return lines.count()


def names_of(subjects: Iterable[str]) -> dict[str, str]:
    """Return what some styles, works and parties are called, by id."""
    with connection.cursor() as cursor:
        cursor.execute(NAMES, {"ids": list(subjects)})
        return dict(cursor.fetchall())


def leaves_of(party: UUID) -> QuerySet[LedgerTransaction, str]:
    """Return the leaf hashes of every entry that tells of a party's lines."""
    moved = Posting.objects.filter(holder=party, line__isnull=False).values("transaction_id")
    return LedgerTransaction.objects.filter(pk__in=moved).values_list("leaf", flat=True)
