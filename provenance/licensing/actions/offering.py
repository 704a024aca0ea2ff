"""Offering styles and works: to everyone under an open licence, or to those whom a party grants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.licensing.actions.inheriting import require_within_inherited
from provenance.licensing.errors import TermsTooWide, UnknownLicence
from provenance.licensing.events import OfferPublished
from provenance.licensing.models import Offer
from provenance.licensing.queries.offers import open_terms_of
from provenance.licensing.terms import BY_GRANT, EVERY_USE, OPEN_LICENCES, Terms
from provenance.works.actions.parties import require_authority, require_owned
from provenance.works.models import Party, Work


@transaction.atomic
def offer_openly(*, actor: Actor, party: Party, subject_kind: str, subject_id: UUID, licence: str) -> Offer:
    """Offer a style or work to everyone under an open licence, by SPDX id."""
    require_owned(party, subject_kind=subject_kind, subject_id=subject_id)
    terms = OPEN_LICENCES.get(licence)
    if terms is None:
        raise UnknownLicence(licence=licence[:80], known=", ".join(OPEN_LICENCES))
    if subject_kind == "style":
        behind = list(Work.objects.filter(styles=subject_id))
        require_within(terms, works=behind, open_terms=open_terms_of(behind))
    return _publish(
        actor=actor, party=party, subject_kind=subject_kind, subject_id=subject_id, terms=terms, is_open=True
    )


@transaction.atomic
def offer_by_grant(*, actor: Actor, party: Party, subject_kind: str, subject_id: UUID) -> Offer:
    """Offer a style or work to those whom the party grants it.

    A style's terms are no wider than those of the works of others behind it; one's own are one's own to grant.
    """
    require_owned(party, subject_kind=subject_kind, subject_id=subject_id)
    terms = Terms(licence=BY_GRANT, permissions=EVERY_USE)
    if subject_kind == "style":
        others = Work.objects.filter(styles=subject_id).exclude(owner=party).order_by("digest")
        for bounds in open_terms_of(others).values():
            terms = terms.narrowed_to(_widest(bounds)) if bounds else terms
    return _publish(
        actor=actor, party=party, subject_kind=subject_kind, subject_id=subject_id, terms=terms, is_open=False
    )


def _publish(*, actor: Actor, party: Party, subject_kind: str, subject_id: UUID, terms: Terms, is_open: bool) -> Offer:
    require_authority(actor, party)
    require_within_inherited(terms, subject_kind=subject_kind, subject_id=subject_id)
    offer = Offer.objects.create(
        party=party,
        subject_kind=subject_kind,
        subject_id=subject_id,
        licence=terms.licence,
        is_open=is_open,
        terms=terms.as_json(),
        terms_digest=terms.digest(),
        published_at=timezone.now(),
    )
    audit_log.append(
        OfferPublished(
            actor=actor,
            offer=offer.pk,
            party=party.pk,
            subject_kind=subject_kind,
            subject=subject_id,
            licence=terms.licence,
            terms_digest=offer.terms_digest,
        )
    )
    return offer


def require_within(terms: Terms, *, works: Sequence[Work], open_terms: Mapping[UUID, tuple[Terms, ...]]) -> None:
    """Raise TermsTooWide unless an open offer of every openly licensed work allows what some terms do."""
    for work in works:
        bounds = open_terms[work.pk]
        if bounds and not any(terms.is_within(bound) for bound in bounds):
            raise TermsTooWide(licence=terms.licence, work=f"“{work.title}”")


def _widest(bounds: Sequence[Terms]) -> Terms:
    return max(bounds, key=lambda terms: (len(terms.permissions), -len(terms.duties)))
