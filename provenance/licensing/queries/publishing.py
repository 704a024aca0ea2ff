"""Reading offers as they are published: any version by its id, all that stand, and what became of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from provenance.licensing.credits import licence_url
from provenance.licensing.errors import UnknownOffer
from provenance.licensing.models import Grant, Offer
from provenance.licensing.publications.published import PLACES, Published
from provenance.licensing.queries import grants as granted
from provenance.licensing.queries.offers import offer_published, standing_offers, state_of
from provenance.licensing.queries.standing import opted_out_of
from provenance.licensing.terms import ATTRIBUTE, Duty, Terms, terms_read
from provenance.works.models import Style, Work

CREDIT_ERASED = Duty(
    ATTRIBUTE,
    "Give credit; the name was erased at its rightsholder's request.",
    "须署名；署名内容已应权利人请求删除。",
)


def published(offer_id: UUID, *, base: str) -> Published:
    """Return one version of an offer, with addresses below a base; raise UnknownOffer where there is none."""
    (found,) = _published([offer_published(offer_id)], base=base)
    return found


def standing_published(*, base: str, most: int) -> list[Published]:
    """Return the newest offers that stand."""
    offers = standing_offers().select_related("party").order_by("-published_at", "id")[:most]
    return _published(offers, base=base)


def status_of(licence_id: UUID) -> dict[str, Any]:
    """Return what became of an offer or a grant, without whose it is; raise UnknownOffer where there is neither."""
    grant = Grant.objects.select_related("offer").prefetch_related("events").filter(pk=licence_id).first()
    offer = grant.offer if grant else Offer.objects.filter(pk=licence_id).first()
    if offer is None:
        raise UnknownOffer(offer=licence_id)
    events = (
        [{"kind": event.kind, "at": event.at.isoformat()} for event in grant.events.order_by("at")] if grant else []
    )
    return {
        "id": str(licence_id),
        "kind": "grant" if grant else "offer",
        "state": granted.state_of(grant) if grant else state_of(offer),
        "opted_out": opted_out_of(offer),
        "terms_digest": grant.terms_digest if grant else offer.terms_digest,
        "ends_at": terms_read(offer.terms, digest=offer.terms_digest).ends_at or None,
        "events": events,
    }


def _published(offers: Iterable[Offer], *, base: str) -> list[Published]:
    offers = list(offers)
    names = _names(offers)
    return [_one(offer, names=names, base=base) for offer in offers]


def _names(offers: Iterable[Offer]) -> dict[UUID, tuple[str, str]]:
    """Return what styles and works are called, in English and in Chinese."""
    ids = [offer.subject_id for offer in offers]
    styles = Style.objects.filter(pk__in=ids).values_list("pk", "name", "name_zh")
    works = Work.objects.filter(pk__in=ids).values_list("pk", "title", "title_zh")
    return {pk: (name, name_zh or name) for pk, name, name_zh in (*styles, *works)}


def _one(offer: Offer, *, names: dict[UUID, tuple[str, str]], base: str) -> Published:
    later = Offer.objects.filter(replaces=offer).values_list("pk", flat=True).first() if offer.superseded_at else None
    name, name_zh = names.get(offer.subject_id, (offer.party.name, offer.party.name))
    return Published(
        id=str(offer.pk),
        url=f"{base}/licences/{offer.pk}",
        subject_kind=offer.subject_kind,
        subject_id=str(offer.subject_id),
        subject_url=f"{base}{PLACES[offer.subject_kind]}{offer.subject_id}",
        name=name,
        name_zh=name_zh,
        party=offer.party.name,
        party_id=str(offer.party_id),
        is_organisation=offer.party.kind == offer.party.Kind.ORGANISATION,
        is_open=offer.is_open,
        terms=_terms(offer),
        terms_digest=offer.terms_digest,
        version=offer.version,
        state=state_of(offer),
        published_at=offer.published_at,
        replaces=f"{base}/licences/{offer.replaces_id}" if offer.replaces_id else "",
        replaced_by=f"{base}/licences/{later}" if later else "",
    )


def _terms(offer: Offer) -> Terms:
    """Return what an offer's terms say to everybody: without the credit line of a party whose data was erased."""
    terms = replace(terms_read(offer.terms, digest=offer.terms_digest), url=licence_url(offer.licence))
    if offer.party.erased_at is None:
        return terms
    return replace(terms, duties=tuple(CREDIT_ERASED if duty.text or duty.url else duty for duty in terms.duties))
