"""Reading offers, and what changed in them since a moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from provenance.actor import Actor
from provenance.compiled_query import CompiledQuery, among, moment
from provenance.licensing.errors import UnknownOffer
from provenance.licensing.models import GrantEvent, Offer
from provenance.licensing.money import WHOLE
from provenance.licensing.queries.opt_outs import in_force, works_matched
from provenance.works import queries as works
from provenance.works.models import Style, Work


def standing_offers() -> QuerySet[Offer]:
    """Return the offers that can be taken now: neither withdrawn, replaced nor paused."""
    return Offer.objects.filter(withdrawn_at=None, superseded_at=None, paused_at=None)


def offers_to_take(subjects: Iterable[UUID]) -> dict[UUID, list[Offer]]:
    """Return the offers of some styles that are taken one by one, the newest first, by style."""
    found: dict[UUID, list[Offer]] = defaultdict(list)
    for offer in standing_offers().filter(subject_id__in=list(subjects), is_open=False).order_by("-published_at"):
        found[offer.subject_id].append(offer)
    return found


def offers_seen_by(actor: Actor) -> QuerySet[Offer]:
    """Return the offers that stand, and one's own whatever became of them; all for an auditor."""
    offers = Offer.objects.select_related("party").order_by("-published_at", "id")
    if actor.has("auditor"):
        return offers
    stands = Q(withdrawn_at=None, superseded_at=None, paused_at=None)
    return offers.filter(stands | Q(party__in=works.parties_spoken_for(actor.account_id)))


def offers_about(offers: QuerySet[Offer], *, subject: str) -> QuerySet[Offer]:
    """Return those of some offers that are of one style, work or party; none for what is no id."""
    try:
        return offers.filter(subject_id=UUID(subject))
    except ValueError:
        return offers.none()


def state_of(offer: Offer) -> str:
    """Return what became of an offer: standing, paused, superseded or withdrawn."""
    if offer.withdrawn_at:
        return "withdrawn"
    if offer.superseded_at:
        return "superseded"
    return "paused" if offer.paused_at else "standing"


def offer_of(actor: Actor, *, offer_id: UUID) -> Offer:
    """Return one offer of a party that an account acts for; raise UnknownOffer otherwise."""
    own = Offer.objects.select_related("party").filter(party__in=works.parties_spoken_for(actor.account_id))
    offer = own.filter(pk=offer_id).first()
    if offer is None:
        raise UnknownOffer(offer=offer_id)
    return offer


def offer_published(offer_id: UUID) -> Offer:
    """Return any version of any offer, for everybody to read; raise UnknownOffer where there is none."""
    offer = Offer.objects.select_related("party", "replaces", "replaced_by").filter(pk=offer_id).first()
    if offer is None:
        raise UnknownOffer(offer=offer_id)
    return offer


def changed_since(
    subjects: Iterable[UUID], *, grants: Iterable[UUID], at: datetime, offers: Iterable[UUID] = ()
) -> list[UUID]:
    """Return what changed after a moment: subjects or their owners opted out, offers withdrawn, grants revoked.

    Also which of ``offers``, on which something was permitted, were paused or replaced, and which subjects and works
    behind them were withdrawn or rejected, or are in dispute.
    """
    ids, grants, offers = list(subjects), list(grants), list(offers)
    if not (ids or grants or offers):
        return []
    affected = [*ids, *(one for (one,) in AFFECTED.rows(subjects=ids))]
    return sorted(one for (one,) in CHANGED.rows(affected=affected, grants=grants, offers=offers, at=at))


def _affected() -> QuerySet[Any, Any]:
    """Return the query of the works behind some subjects, and of the owners of all of them."""
    behind = Style.works.through.objects.filter(among("style_id", "subjects")).order_by()
    return behind.values_list("work_id").union(
        behind.values_list("work__owner_id"),
        Style.objects.filter(among("pk", "subjects")).order_by().values_list("owner_id"),
        Work.objects.filter(among("pk", "subjects")).order_by().values_list("owner_id"),
    )


def _changed() -> QuerySet[Any, Any]:
    """Return the query of what changed; by ids, so that each branch has its index."""
    out, since = ("withdrawn", "rejected", "disputed"), moment("at")
    revoked = GrantEvent.objects.filter(among("grant_id", "grants"), kind="revoked", at__gt=since)
    other_terms = Q(superseded_at__gt=since) | Q(paused_at__gt=since)
    first, *others = (
        branch.order_by()
        for branch in (
            in_force().filter(among("subject_id", "affected"), recorded_at__gt=since).values_list("subject_id"),
            works_matched().filter(among("work_id", "affected"), opt_out__recorded_at__gt=since).values_list("work_id"),
            Offer.objects.filter(among("subject_id", "affected"), withdrawn_at__gt=since).values_list("subject_id"),
            revoked.values_list("grant_id"),
            Offer.objects.filter(other_terms, among("pk", "offers")).values_list("pk"),
            Work.objects.filter(among("pk", "affected"), state__in=out).values_list("pk"),
            Style.objects.filter(among("pk", "affected"), state__in=out).values_list("pk"),
        )
    )
    return first.union(*others)


AFFECTED = CompiledQuery(_affected)
CHANGED = CompiledQuery(_changed)


def splits_of_offer(offer: Offer) -> tuple[tuple[str, int], ...]:
    """Return to whom an offer's price goes: parties with their shares in basis points."""
    subject = _subject_of(offer)
    shares = works.splits_of(subject) if subject else [(offer.party_id, WHOLE)]
    return tuple((str(party), points) for party, points in shares)


def name_of_subject(offer: Offer) -> str:
    """Return what is offered: a style's name, a work's title, or the party's name."""
    subject = _subject_of(offer)
    if subject is None:
        return offer.party.name
    return subject.name if isinstance(subject, Style) else subject.title


def _subject_of(offer: Offer) -> Style | Work | None:
    if offer.subject_kind == "style":
        return Style.objects.select_related("owner").get(pk=offer.subject_id)
    return Work.objects.select_related("owner").get(pk=offer.subject_id) if offer.subject_kind == "work" else None


def is_offered(subject_id: UUID) -> bool:
    """Say whether a style or work stands under an open offer."""
    return standing_offers().filter(subject_id=subject_id, is_open=True).exists()


def open_offers(subject_kind: str) -> dict[UUID, Offer]:
    """Return the newest open offer of every style, or of every work, by subject."""
    offers = standing_offers().filter(subject_kind=subject_kind, is_open=True)
    return {offer.subject_id: offer for offer in offers.order_by("published_at")}
