"""What an auditor looks for among the records, by whom, what and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from generation import queries
from generation.models import Generation, ImageModel, Output
from provenance.actor import Actor

USES_PARTY = """
SELECT made.id FROM works_style AS style JOIN generation_generation AS made
    ON made."references" @> jsonb_build_array(jsonb_build_object('style', style.id::text))
WHERE style.owner_id = %s
UNION SELECT made.id FROM works_work AS work JOIN generation_generation AS made
    ON made.inputs @> jsonb_build_array(jsonb_build_object('work', work.id::text))
WHERE work.owner_id = %s
"""
USES_WORK = """
SELECT made.id FROM works_style_works AS behind JOIN generation_generation AS made
    ON made."references" @> jsonb_build_array(jsonb_build_object('style', behind.style_id::text))
WHERE behind.work_id = %s
UNION SELECT made.id FROM generation_generation AS made
WHERE made.inputs @> jsonb_build_array(jsonb_build_object('work', %s::text))
"""


@dataclass(frozen=True, kw_only=True)
class Search:
    """What an auditor looks for; what is None does not matter."""

    since: datetime | None = None
    until: datetime | None = None
    party: UUID | None = None
    """Whose styles were declared, or whose works went in."""
    artist: UUID | None = None
    """The account that asked."""
    style: str | None = None
    work: UUID | None = None
    """A work that went in, or that a declared style stands on today."""
    model: str | None = None
    prompt_commitment: str | None = None
    state: str | None = None
    digest: str | None = None
    """Of a delivered file, its pixels, or a file that went in."""


def generations_found(actor: Actor, search: Search) -> QuerySet[Generation]:
    """Return what an auditor looks for, newest first; raise NotPermitted for anybody else.

    A style or party that a prompt merely names does not count: whoever finds a record by it has read the prompt.
    """
    actor.require("auditor")
    exact = {
        "requested_at__gte": search.since,
        "requested_at__lt": search.until,
        "owner_id": search.artist,
        "prompt_commitment": search.prompt_commitment,
        "state": search.state,
    }
    stated = {name: value for name, value in exact.items() if value is not None}
    found = queries.generations_visible_to(actor).filter(**stated)
    for sql, wanted in ((USES_PARTY, search.party), (USES_WORK, search.work)):
        if wanted:
            found = found.filter(pk__in=RawSQL(sql, [wanted, wanted]))
    if search.style is not None:
        found = found.filter(references__contains=[{"style": search.style}])
    if search.model is not None:
        named = queries.model_named_so(search.model) | Q(digest=search.model)
        found = found.filter(model__in=ImageModel.objects.filter(named).values("pk"))
    return found.filter(pk__in=_with_digest(search.digest)) if search.digest else found


def _with_digest(digest: str) -> QuerySet[Generation]:
    outputs = [Output.objects.filter(**{name: digest}) for name in ("digest", "delivered_pixels")]
    outputs += [Output.objects.filter(**{f"renditions__{name}": digest}) for name in ("digest", "delivered_pixels")]
    went_in = Generation.objects.filter(inputs__contains=[{"digest": digest}]).values("pk")
    return went_in.union(*(found.order_by().values("generation_id") for found in outputs))
