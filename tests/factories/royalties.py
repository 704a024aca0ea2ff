"""Makers of priced decisions, of grants for so many uses, and of what a ledger then holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Sum

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.canonical import canonical_json, sha256_digest
from provenance.licensing.actions import uses
from provenance.licensing.events import GrantGiven
from provenance.licensing.models import Grant, Offer, Posting, RoyaltyLine
from provenance.licensing.queries import ledger
from provenance.works.models import Party
from tests.factories.records import a_model, a_party, a_style, an_artist

DIGEST = "sha256:" + "ab" * 32


def an_image(number: int = 1) -> str:
    """Return the digest of an image that nobody has."""
    return sha256_digest(f"image {number} {uuid4()}".encode())


def a_price(amount: int = 250, *, splits: Mapping[Any, int], per: str = "image", **more: Any) -> dict[str, Any]:
    """Return a price line as decisions hold it."""
    shares = [{"party": str(party), "basis_points": points} for party, points in splits.items()]
    return {
        "amount": str(amount), "currency": "EUR", "per": per, "splits": shares, "is_self_dealing": False, **more,
    }  # fmt: skip


def a_decision(
    *, price: Mapping[str, Any] | None, right: UUID | None = None, basis: str = "open-licence", **more: Any
) -> dict[str, Any]:
    """Return a permitted decision on one style."""
    answer = {
        "kind": "style", "id": str(uuid4()), "name": "Fx Emoji", "found_in": "declared", "use": "gen:reference",
        "permitted": True, "basis": basis, "right": str(right or uuid4()), "terms_digest": DIGEST, "price": price,
        **more,
    }  # fmt: skip
    return {"permitted": True, "references": [answer]}


def a_counted_grant(count: int | None, *, licensee: Actor) -> Grant:
    """Record a grant of a style for so many images."""
    style = a_style(a_model(), party=a_party(f"Owner {uuid4()}"), licence="CC-BY-4.0")
    offer = Offer.objects.get(subject_id=style.pk)
    constraint = {"leftOperand": "count", "operator": "lteq", "rightOperand": str(count)}
    terms = {**offer.terms, **({"constraints": [constraint]} if count else {})}
    digest = sha256_digest(canonical_json(terms))
    with transaction.atomic():
        grant = Grant.objects.create(
            offer=offer, licensee_id=licensee.account_id, terms=terms, terms_digest=digest,
            granted_at=offer.published_at,
        )  # fmt: skip
        audit_log.append(
            GrantGiven(actor=licensee, grant=grant.pk, offer=offer.pk, licensee=grant.licensee_id, terms_digest=digest)
        )
    return grant


def a_licensee(name: str = "mara") -> Actor:
    """Record an artist who pays for uses."""
    return an_artist(name).actor()


@transaction.atomic
def reserved(actor: Actor, decision: Mapping[str, Any], *, images: int = 4) -> UUID:
    """Reserve uses for a request of which nothing else is recorded; return its id."""
    generation = uuid4()
    uses.reserve(actor=actor, generation=generation, decision=decision, images=images)
    return generation


def earned(actor: Actor, decision: Mapping[str, Any], *, images: int = 1) -> list[RoyaltyLine]:
    """Reserve and settle uses of so many images; return the lines, in the order of their numbers."""
    generation = reserved(actor, decision, images=images)
    settled(generation, decision, images=images)
    return list(RoyaltyLine.objects.filter(transaction__generation=generation).order_by("number", "party_id"))


@transaction.atomic
def settled(generation: UUID, decision: Mapping[str, Any], *, images: int) -> None:
    """Settle the uses of so many images of a request."""
    digests = [an_image(number) for number in range(images)]
    uses.settle(generation=generation, decision=decision, images=digests)


def balances(holder: UUID | None = None) -> dict[str, int]:
    """Return what is left in each account, of one holder or of all; a credit counts as positive, a debt negative."""
    rows = Posting.objects.filter(**({"holder": holder} if holder else {}))
    sums = rows.values("account").annotate(total=Sum("amount")).order_by()
    return {row["account"]: -row["total"] for row in sums if row["total"]}


def standings(lines: Sequence[RoyaltyLine]) -> dict[str, int]:
    """Return how many of some lines stand where."""
    return dict(Counter(ledger.standing_of(line.pk for line in lines).values()))


def two_payees() -> tuple[Party, Party]:
    """Record two parties who share."""
    return a_party("Ada Painter"), a_party("Ben Printer")
