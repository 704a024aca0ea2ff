"""Reading grants: which are in force, whose they are, and what happened to them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from provenance.actor import Actor
from provenance.licensing.errors import UnknownGrant
from provenance.licensing.models import Grant, GrantEvent, Offer
from provenance.licensing.queries.touching import touching
from provenance.licensing.terms import Terms, terms_read
from provenance.works.queries import parties_spoken_for


def ended() -> Q:
    """Return the condition on grants that were revoked or declined."""
    events = GrantEvent.objects.filter(grant=OuterRef("pk"))
    return Q(Exists(events.filter(kind__in=[GrantEvent.Kind.REVOKED, GrantEvent.Kind.DECLINED])))


def in_force() -> Q:
    """Return the condition on grants that count: neither revoked nor declined, and approved where that is asked."""
    approved = Exists(GrantEvent.objects.filter(grant=OuterRef("pk"), kind=GrantEvent.Kind.APPROVED))
    return ~ended() & (Q(needs_approval=False) | Q(approved))


def state_of(grant: Grant) -> str:
    """Return what became of a grant: requested, granted, declined or revoked."""
    kinds = {event.kind for event in grant.events.all()}
    if GrantEvent.Kind.REVOKED in kinds:
        return "revoked"
    if GrantEvent.Kind.DECLINED in kinds:
        return "declined"
    return "granted" if not grant.needs_approval or GrantEvent.Kind.APPROVED in kinds else "requested"


def grant_ids_of(offer: Offer) -> list[UUID]:
    """Return the grants that were given of one version of an offer."""
    return list(Grant.objects.filter(offer=offer).values_list("pk", flat=True))


def grants_touching(subject_id: UUID) -> QuerySet[Grant]:
    """Return the grants that reach into a style, work or party and that stand or may still be approved."""
    return Grant.objects.filter(~ended(), offer__subject_id__in=touching(subject_id))


def terms_given(subject_id: UUID) -> list[Terms]:
    """Return the terms on which something is offered, now or once resumed, or granted to somebody, each once."""
    offered = Offer.objects.filter(subject_id=subject_id, withdrawn_at=None, superseded_at=None)
    granted = Grant.objects.filter(~ended(), offer__subject_id=subject_id)
    said = {one.terms_digest: one.terms for one in (*offered, *granted)}
    return [terms_read(terms, digest=digest) for digest, terms in sorted(said.items())]


def grants_seen_by(actor: Actor) -> QuerySet[Grant]:
    """Return the grants that an account holds and those of its parties' offers; all for an auditor."""
    grants = Grant.objects.select_related("offer__party").prefetch_related("events").order_by("-granted_at", "id")
    if actor.has("auditor"):
        return grants
    return grants.filter(Q(licensee_id=actor.account_id) | Q(offer__party__in=parties_spoken_for(actor.account_id)))


def grant_seen_by(actor: Actor, *, grant_id: UUID) -> Grant:
    """Return one grant that an account may see; raise UnknownGrant otherwise."""
    grant = grants_seen_by(actor).filter(pk=grant_id).first()
    if grant is None:
        raise UnknownGrant(grant=grant_id)
    return grant
