"""Uses of a request: reserved when it is made, settled with each delivered image, released where none comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db.models import F
from django.utils import timezone

from provenance.actor import COLOPHON, Actor
from provenance.audit_log import actions as audit_log
from provenance.licensing.actions.ledger import Earning, accrue, keep_holds
from provenance.licensing.actions.paying import refund_again
from provenance.licensing.errors import UsesExhausted
from provenance.licensing.ledger_events import UsesReleased, UsesReserved, UsesSettled
from provenance.licensing.models import Grant, Use
from provenance.licensing.prices import FLAT, PriceLine
from provenance.licensing.queries.uses import held_in, most_uses, open_uses, taken_of

SUBJECTS = {"adapter": "style", "name": "party"}
"""What a decision's subject is to the ledger; other kinds are called the same."""


@dataclass(frozen=True)
class _Wanted:
    """One right that a decision rests on, and that is paid for or counted."""

    answer: Mapping[str, Any]
    price: PriceLine | None
    is_counted: bool

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what makes it the same right for the same subject on the same terms."""
        return self.answer["right"], self.answer["id"], self.answer["terms_digest"]


def may_reserve(decision: Mapping[str, Any]) -> bool:
    """Say whether a recorded decision rests on anything that may be paid for or counted; else nothing is looked up."""
    return any(answer.get("price") or answer["basis"] == "grant" for answer in held_in(decision))


def reserve(*, actor: Actor, generation: UUID, decision: Mapping[str, Any], images: int) -> None:
    """Reserve uses and price of so many images in the caller's transaction, each right with its entry.

    A grant's row is held, so that of two requests for its last use one wins. Raises UsesExhausted.
    """
    if may_reserve(decision):
        _reserve(_wanted(decision), actor=actor, generation=generation, images=images)


def _reserve(wanted: Sequence[_Wanted], *, actor: Actor, generation: UUID, images: int) -> None:
    _require_left(wanted, generation=generation, images=images)
    now = timezone.now()
    rows = [_row(one, actor=actor, generation=generation, images=images) for one in wanted]
    for row in rows:
        row.reserved_at = now
    Use.objects.bulk_create(rows)
    for row in rows:
        audit_log.append(
            UsesReserved(
                actor=actor, generation=generation, use=row.pk, basis=row.basis, right=row.right_id,
                subject_kind=row.subject_kind, subject=row.subject_id, terms_digest=row.terms_digest,
                price=row.price, reserved=row.reserved,
            )
        )  # fmt: skip


def _wanted(decision: Mapping[str, Any]) -> list[_Wanted]:
    """Return the rights that are paid for or counted, each once, and hold the rows of the grants among them."""
    permitted = held_in(decision)
    taken = {answer["right"] for answer in permitted if answer["kind"] != "name"}
    answers = [answer for answer in permitted if answer["kind"] != "name" or answer["right"] not in taken]
    counts = _counts([answer["right"] for answer in answers if answer["basis"] == "grant"])
    found: dict[tuple[str, str, str], _Wanted] = {}
    for answer in answers:
        price = PriceLine.from_json(answer["price"]) if answer.get("price") else None
        is_own = price is not None and price.is_self_dealing
        one = _Wanted(answer, price, is_counted=counts.get(answer["right"]) is not None and not is_own)
        if price or one.is_counted:
            found.setdefault(one.key, one)
    return list(found.values())


def _counts(grants: Sequence[str]) -> dict[str, int | None]:
    """Return how many uses each of some grants is for, None where it does not say; their rows are held from then on."""
    if not grants:
        return {}
    rows = Grant.objects.select_for_update().filter(pk__in=grants).order_by("pk")
    return {str(row.pk): most_uses(row.terms) for row in rows}


def _require_left(wanted: Sequence[_Wanted], *, generation: UUID, images: int) -> None:
    counted = Counter(one.answer["right"] for one in wanted if one.is_counted)
    if not counted:
        return
    taken, counts = taken_of(UUID(right) for right in counted), _counts(sorted(counted))
    for right, times in counted.items():
        left = (counts[right] or 0) - taken.get(UUID(right), 0)
        if left < images * times:
            raise UsesExhausted(left=max(left, 0), needed=images * times)


def _row(one: _Wanted, *, actor: Actor, generation: UUID, images: int) -> Use:
    answer = one.answer
    return Use(
        pk=uuid4(),
        generation=generation,
        licensee_id=actor.account_id,
        basis=answer["basis"],
        right_id=answer["right"],
        subject_kind=SUBJECTS.get(answer["kind"], answer["kind"]),
        subject_id=answer["id"],
        terms_digest=answer["terms_digest"],
        price=one.price.as_json() if one.price else None,
        is_counted=one.is_counted,
        reserved=images,
    )


def follow(
    *, actor: Actor, generation: UUID, earlier: Mapping[str, Any], decision: Mapping[str, Any], images: int
) -> None:
    """Let a request's reservations follow a decision that came out otherwise than the one they were made on.

    A right that is still rested on keeps its price; another is released, and what is new is reserved.
    """
    if not (may_reserve(earlier) or may_reserve(decision)):
        return
    keep_holds()  # what is released may be refunded
    wanted = _wanted(decision)
    keys = {one.key for one in wanted}
    standing = {(str(use.right_id), str(use.subject_id), use.terms_digest): use for use in open_uses(generation)}
    _release([use for key, use in standing.items() if key not in keys], reason="another-basis")
    new = [one for one in wanted if one.key not in standing]
    _reserve(new, actor=actor, generation=generation, images=images)


def settle(*, generation: UUID, decision: Mapping[str, Any], images: Sequence[str]) -> None:
    """Settle the uses of delivered images, named by their digests, in the transaction that delivers them."""
    if not may_reserve(decision):
        return
    uses = list(open_uses(generation).select_for_update())
    earnings = [earning for use in uses for earning in _earnings(use, images)]
    accrue(earnings)
    for use in uses:
        if not any(earning.use_id == use.pk for earning in earnings):
            _tell_settled(use, images)
    Use.objects.filter(pk__in=[use.pk for use in uses]).update(settled=F("settled") + len(images))


def _earnings(use: Use, images: Sequence[str]) -> list[Earning]:
    """Return what some images of a use earn: each the price, or the first the flat one."""
    price = PriceLine.from_json(use.price) if use.price else None
    if price is None or not price.is_owed:
        return []
    paid_for = images if price.per != FLAT else images[:1] if use.settled == 0 else ()
    return [
        Earning(
            price=price, licensee_id=use.licensee_id, right_id=use.right_id, subject_kind=use.subject_kind,
            subject_id=use.subject_id, terms_digest=use.terms_digest, use_id=use.pk, generation=use.generation,
            image=image,
        )
        for image in paid_for
    ]  # fmt: skip


def _tell_settled(use: Use, images: Sequence[str]) -> None:
    for image in images:
        audit_log.append(
            UsesSettled(
                actor=COLOPHON, generation=use.generation, use=use.pk, image=image, right=use.right_id,
                subject_kind=use.subject_kind, subject=use.subject_id, terms_digest=use.terms_digest,
                is_self_dealing=bool(use.price and use.price["is_self_dealing"]),
            )
        )  # fmt: skip


def release(*, generation: UUID, decision: Mapping[str, Any], reason: str) -> None:
    """Release what a request still has reserved, in the transaction that ends it; twice changes nothing."""
    if may_reserve(decision):
        _release(list(open_uses(generation).select_for_update()), reason=reason)


def _release(uses: Sequence[Use], *, reason: str) -> None:
    for use in uses:
        number = use.reserved - use.settled - use.released
        Use.objects.filter(pk=use.pk).update(released=F("released") + number)
        audit_log.append(
            UsesReleased(actor=COLOPHON, generation=use.generation, use=use.pk, released=number, reason=reason)
        )
        if use.is_counted:
            refund_again(grant_id=use.right_id)
