"""What entries state of uses, money, and the terms that travel to pictures."""

from __future__ import annotations

from generation.actions.telling import Told, column, inside, moment
from provenance.canonical import canonical_json, sha256_digest

LINES_ACCRUED = """|| jsonb_build_object('lines', (
    SELECT jsonb_agg(jsonb_build_object('line', line.id, 'party', line.party_id, 'number', line.number::text,
        'amount', line.amount::text, 'basis_points', line.basis_points) ORDER BY line.party_id)
    FROM licensing_royaltyline AS line WHERE line.transaction_id = subject.id))"""
LINES_MOVED = """|| jsonb_build_object('lines', (
    SELECT jsonb_agg(jsonb_build_object('line', line.id, 'party', line.party_id, 'number', line.number::text,
        'amount', line.amount::text, 'currency', line.currency) ORDER BY line.id)
    FROM licensing_royaltyline AS line WHERE line.id IN (
        SELECT line_id FROM licensing_posting AS posting WHERE posting.transaction_id = subject.id)))"""
LINES_PAID = """|| jsonb_build_object('amount', (
    SELECT sum(-posting.amount)::text FROM licensing_posting AS posting
    WHERE posting.transaction_id = subject.id AND posting.account = 'paid'))"""
MOVES = ("LinesHeld", "LinesFreed", "LinesDue", "LinesReversed")
MONEY: tuple[Told, ...] = (
    Told(
        table="licensing_use", kinds=("UsesReserved",), name="use",
        says={
            "generation": column("generation"), "basis": column("basis"), "right": column("right_id"),
            "subject_kind": column("subject_kind"), "subject": column("subject_id"), "price": column("price"),
            "terms_digest": column("terms_digest"), "reserved": column("reserved"),
        },
    ),
    Told(
        table="licensing_ledgertransaction", kinds=("RoyaltyAccrued", *MOVES, "PayoutRecorded"), name="transaction",
        leaf_column="leaf",
    ),
    Told(
        table="licensing_ledgertransaction", kinds=("RoyaltyAccrued",), name="transaction", is_owed=False,
        more=LINES_ACCRUED,
        says={
            "generation": column("generation"), "use": column("use_id"), "image": column("image"),
            "right": column("right_id"), "subject_kind": column("subject_kind"), "subject": column("subject_id"),
            "terms_digest": column("terms_digest"), "price": column("price"), "replaces": column("replaces_id"),
            "reason": column("reason"), "lines": column("lines"),
        },
    ),
    Told(
        table="licensing_ledgertransaction", kinds=MOVES, name="transaction", is_owed=False, more=LINES_MOVED,
        says={"reason": column("reason"), "lines": column("lines")},
    ),
    Told(
        table="licensing_ledgertransaction", kinds=("PayoutRecorded",), name="transaction", is_owed=False,
        more=LINES_PAID,
        says={
            "reference": ("reason", lambda row: sha256_digest(row["reason"].encode())), "amount": column("amount"),
        },
    ),
    Told(
        table="licensing_inheritedterms", kinds=("TermsInherited",), name="image", column="image",
        says={
            "terms_digest": ("terms", lambda row: sha256_digest(canonical_json(row["terms"]))),
            "licence": inside("terms", "licence"),
            "came_by": ("came_by", lambda row: row["came_by"] if row["sources"] else None),
            "sources": ("sources", lambda row: row["sources"] or None),
        },
    ),
    Told(
        table="licensing_inheritedterms", kinds=("TermsLifted",), name="image", column="image", is_owed=False,
        says={"lifted_at": moment("lifted_at")},
    ),
)  # fmt: skip
"""Every sum of the ledger is held against what entries state of it."""
