"""Offering, granting, revoking, opting out."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.licensing.errors import AlreadyRevoked, UnknownLicence
from provenance.licensing.events import GrantGiven, GrantRevoked, OfferPublished, OptOutRecorded
from provenance.licensing.models import Grant, GrantEvent, Offer, OptOut
from provenance.licensing.terms import BY_GRANT, EVERY_USE, OPEN_LICENCES, Terms
from provenance.works.actions import require_member, require_owned
from provenance.works.models import Party


@transaction.atomic
def offer_openly(*, actor: Actor, party: Party, subject_kind: str, subject_id: UUID, licence: str) -> Offer:
    """Offer a style or work to everyone under an open licence, by SPDX id."""
    require_owned(party, subject_kind=subject_kind, subject_id=subject_id)
    terms = OPEN_LICENCES.get(licence)
    if terms is None:
        raise UnknownLicence(licence=licence[:80], known=", ".join(OPEN_LICENCES))
    return _publish(
        actor=actor, party=party, subject_kind=subject_kind, subject_id=subject_id, terms=terms, is_open=True
    )


@transaction.atomic
def offer_by_grant(*, actor: Actor, party: Party, subject_kind: str, subject_id: UUID) -> Offer:
    """Offer a style or work to those whom the party grants it."""
    require_member(actor, party)
    require_owned(party, subject_kind=subject_kind, subject_id=subject_id)
    terms = Terms(licence=BY_GRANT, permissions=EVERY_USE)
    return _publish(
        actor=actor, party=party, subject_kind=subject_kind, subject_id=subject_id, terms=terms, is_open=False
    )


def _publish(
    *, actor: Actor, party: Party, subject_kind: str, subject_id: UUID, terms: Terms, is_open: bool
) -> Offer:
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


@transaction.atomic
def give_grant(*, actor: Actor, offer: Offer, licensee_id: UUID) -> Grant:
    """Grant an offer's terms, as they stand now, to one licensee."""
    require_member(actor, offer.party)
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
    require_member(actor, grant.offer.party)
    locked = Grant.objects.select_for_update().get(pk=grant.pk)
    if locked.events.filter(kind="revoked").exists():
        raise AlreadyRevoked()
    GrantEvent.objects.create(grant=locked, kind="revoked", at=timezone.now())
    audit_log.append(GrantRevoked(actor=actor, grant=grant.pk))


@transaction.atomic
def record_opt_out(*, actor: Actor, party: Party, subject_kind: str, subject_id: UUID, source: str) -> OptOut:
    """Record a party's no to a style, a work, or everything of its own."""
    require_member(actor, party)
    require_owned(party, subject_kind=subject_kind, subject_id=subject_id)
    opt_out = OptOut.objects.create(
        party=party,
        subject_kind=subject_kind,
        subject_id=subject_id,
        source=source,
        recorded_at=timezone.now(),
    )
    audit_log.append(
        OptOutRecorded(
            actor=actor,
            opt_out=opt_out.pk,
            party=party.pk,
            subject_kind=subject_kind,
            subject=subject_id,
            source=source,
        )
    )
    return opt_out
