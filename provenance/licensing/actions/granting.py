"""Granting an offer's terms to one licensee, and ending a grant for new uses."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.licensing.errors import AlreadyRevoked
from provenance.licensing.events import GrantGiven, GrantRevoked
from provenance.licensing.models import Grant, GrantEvent, Offer
from provenance.works.actions.parties import require_authority


@transaction.atomic
def give_grant(*, actor: Actor, offer: Offer, licensee_id: UUID) -> Grant:
    """Grant an offer's terms, as they stand now, to one licensee."""
    require_authority(actor, offer.party)
    grant = Grant.objects.create(
        offer=offer,
        licensee_id=licensee_id,
        terms=offer.terms,
        terms_digest=offer.terms_digest,
        granted_at=timezone.now(),
    )
    audit_log.append(
        GrantGiven(
            actor=actor,
            grant=grant.pk,
            offer=offer.pk,
            licensee=licensee_id,
            terms_digest=grant.terms_digest,
        )
    )
    return grant


@transaction.atomic
def revoke_grant(*, actor: Actor, grant: Grant) -> None:
    """End a grant for new uses."""
    require_authority(actor, grant.offer.party)
    locked = Grant.objects.select_for_update().get(pk=grant.pk)
    if locked.events.filter(kind="revoked").exists():
        raise AlreadyRevoked()
    GrantEvent.objects.create(grant=locked, kind="revoked", at=timezone.now())
    audit_log.append(GrantRevoked(actor=actor, grant=grant.pk))
