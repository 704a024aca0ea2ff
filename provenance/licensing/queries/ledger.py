"""Reading the ledger: where lines stand, and which of them a hold covers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from provenance.licensing.models import Posting, RoyaltyLine

ACCRUED, HELD, PAYABLE, PAID, REPAYABLE = (
    Posting.Account.ACCRUED.value,
    Posting.Account.HELD.value,
    Posting.Account.PAYABLE.value,
    Posting.Account.PAID.value,
    Posting.Account.REPAYABLE.value,
)
REVERSED = "reversed"
STANDING = (ACCRUED, HELD, PAYABLE, PAID)
"""Where a line may stand while it has not been reversed."""
STANDINGS = """
SELECT line_id, array_agg(account ORDER BY account) FROM (
    SELECT line_id, account FROM licensing_posting WHERE line_id = ANY(%s)
    GROUP BY line_id, account HAVING sum(amount) <> 0
) AS standing GROUP BY line_id
"""
COVERS = """
(hold.subject_kind = 'image' AND hold.subject = origin.image)
OR (hold.subject_kind = origin.subject_kind AND hold.subject = origin.subject_id::text)
OR (hold.subject_kind = 'party' AND hold.subject = line.party_id::text)
OR (hold.subject_kind = 'work' AND origin.subject_kind = 'style' AND EXISTS (
    SELECT FROM works_style_works AS behind
    WHERE behind.style_id = origin.subject_id AND behind.work_id::text = hold.subject
))
"""
"""Whether a hold covers a line: of its image, its subject, its payee, or of a work behind its style."""
HOLDS = f"""
SELECT line.id, min(hold.reason) FROM licensing_royaltyline AS line
JOIN licensing_ledgertransaction AS origin ON origin.id = line.transaction_id
JOIN licensing_hold AS hold ON hold.lifted_at IS NULL AND ({COVERS})
WHERE line.id = ANY(%s) GROUP BY line.id
"""
COVERED = f"""
SELECT line.id FROM licensing_royaltyline AS line
JOIN licensing_ledgertransaction AS origin ON origin.id = line.transaction_id
JOIN (SELECT %s AS subject_kind, %s AS subject) AS hold ON {COVERS}
"""


def accounts_of(lines: Iterable[UUID]) -> dict[UUID, list[str]]:
    """Return in which accounts something of each of some lines is left; a line of which nothing is left is missing."""
    with connection.cursor() as cursor:
        cursor.execute(STANDINGS, [list(lines)])
        return dict(cursor.fetchall())


def standing_of(lines: Iterable[UUID]) -> dict[UUID, str]:
    """Return where some lines stand: accrued, held, payable, paid or reversed."""
    wanted = list(lines)
    found = accounts_of(wanted)
    return {line: standing(found.get(line, ())) for line in wanted}


def standing(accounts: Sequence[str]) -> str:
    """Return where a line stands by the accounts in which something of it is left."""
    return accounts[0] if len(accounts) == 1 else REVERSED


def holds_over(lines: Iterable[UUID]) -> dict[UUID, str]:
    """Return a reason for each of some lines that has one to wait."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDS, [list(lines)])
        return dict(cursor.fetchall())


def lines_under(*, subject_kind: str, subject: str) -> list[UUID]:
    """Return the lines that a hold on a subject covers."""
    with connection.cursor() as cursor:
        cursor.execute(COVERED, [subject_kind, subject])
        return [row[0] for row in cursor.fetchall()]


def lines_of_party(
    party: UUID, *, accounts: Sequence[str], until: datetime | None = None, currency: str = ""
) -> QuerySet[RoyaltyLine]:
    """Return a party's lines that have been in one of some accounts, the oldest first."""
    been = Posting.objects.filter(holder=party, account__in=accounts).values("line_id")
    lines = RoyaltyLine.objects.filter(party_id=party, pk__in=been).order_by("number")
    if until is not None:
        lines = lines.filter(transaction__at__lt=until)
    return lines.filter(currency=currency) if currency else lines
