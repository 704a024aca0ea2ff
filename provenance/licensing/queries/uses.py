"""Reading what a decision rests on, and how much of each grant is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet, Sum

from provenance.licensing.models import Use
from provenance.licensing.terms import Terms


def taken_of(grants: Iterable[UUID], *, but_generation: UUID | None = None) -> dict[UUID, int]:
    """Return how many uses of some grants are reserved or settled, without those of one request.

    A released use can be taken again; a licensee's dealing with itself does not count.
    """
    counted = Use.objects.filter(right_id__in=list(grants), is_counted=True)
    if but_generation is not None:
        counted = counted.exclude(generation=but_generation)
    rows = counted.values("right_id").annotate(taken=Sum(F("reserved") - F("released"))).order_by()
    return {row["right_id"]: int(row["taken"]) for row in rows}


def open_uses(generation: UUID) -> QuerySet[Use]:
    """Return what a request has reserved and neither settled nor released, in a steady order."""
    return Use.objects.filter(generation=generation, reserved__gt=F("settled") + F("released")).order_by("pk")


def most_uses(terms: Mapping[str, Any]) -> int | None:
    """Return how many delivered images some recorded terms are for; None where they do not say."""
    return Terms.from_json(terms).most_uses


def held_in(decision: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a recorded decision rests on one by one: its permitted answers, of an own style the works behind it.

    A work behind a style is held for the style, whose answer says where that was found.
    """
    permitted = [answer for answer in decision["references"] if answer["permitted"]]
    return [
        {**held, "found_in": answer["found_in"]} for answer in permitted for held in answer.get("works") or (answer,)
    ]
