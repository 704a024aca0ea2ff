"""Reading, in one statement, the rights that grants and open offers give to one licensee."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import F, IntegerField, OuterRef, QuerySet, Subquery, Sum, TextField, Value
from django.db.models.functions import Cast, Coalesce

from provenance.compiled_query import CompiledQuery, Given, among
from provenance.licensing.models import Grant, Use
from provenance.licensing.queries import grants
from provenance.licensing.queries.offers import standing_offers
from provenance.licensing.subjects import Right
from provenance.licensing.terms import terms_read

NO_SPLITS = "[]"
NO_GENERATION = UUID(int=0)


def rights_in(
    subjects: Collection[UUID], *, licensee: UUID | None, own: frozenset[UUID], generation: UUID | None = None
) -> dict[UUID, tuple[Right, ...]]:
    """Return the rights in some styles, works and parties: grants, the earliest first, then open offers.

    What ``generation`` has reserved itself does not count as used. Terms and splits come as text, which is parsed
    once for each that differs: a thousand grants mostly share them. So do moments, which sort as the database
    writes them in one time zone.
    """
    own_ids = frozenset(map(str, own))
    found: dict[UUID, list[Right]] = defaultdict(list)
    rows = RIGHTS.rows(subjects=list(subjects), licensee=licensee, generation=generation or NO_GENERATION)
    for basis, _at, subject, right_id, terms, digest, split, used in sorted(rows, key=lambda row: row[:2]):
        splits = _splits(split)
        found[subject].append(
            Right(
                basis=basis,
                terms=terms_read(terms, digest=digest),
                id=right_id,
                terms_digest=digest,
                splits=splits,
                is_self_dealing=not own_ids.isdisjoint(party for party, _ in splits),
                used=used,
            )
        )
    return {subject: tuple(rights) for subject, rights in found.items()}


def _granted() -> QuerySet[Any, Any]:
    held = Grant.objects.filter(
        grants.in_force(), among("offer__subject_id", "subjects"), licensee_id=Given("licensee")
    )
    return held.order_by().values_list(
        Value("grant"),
        Cast("granted_at", TextField()),
        "offer__subject_id",
        Cast("pk", TextField()),
        Cast("terms", TextField()),
        "terms_digest",
        Coalesce(Cast("price__splits", TextField()), Value(NO_SPLITS), output_field=TextField()),
        Coalesce(_taken(), Value(0)),
    )


def _open() -> QuerySet[Any, Any]:
    offers = standing_offers().filter(among("subject_id", "subjects"), is_open=True)
    return offers.order_by().values_list(
        Value("open-licence"),
        Cast("published_at", TextField()),
        "subject_id",
        Cast("pk", TextField()),
        Cast("terms", TextField()),
        "terms_digest",
        Value(NO_SPLITS),
        Value(0),
    )


def _taken() -> Subquery:
    """Return how many uses of a grant are reserved or settled, without those of the generation given."""
    counted = Use.objects.filter(right_id=OuterRef("pk"), is_counted=True).exclude(generation=Given("generation"))
    taken = counted.order_by().values("right_id").annotate(taken=Sum(F("reserved") - F("released")))
    return Subquery(taken.values("taken"), output_field=IntegerField())


RIGHTS = CompiledQuery(lambda: _granted().union(_open(), all=True))


@lru_cache(maxsize=4_096)
def _splits(text: str) -> tuple[tuple[str, int], ...]:
    """Return to whom a price goes: parties with their shares in basis points."""
    return tuple((share["party"], share["basis_points"]) for share in json.loads(text))
