"""Ending the licences and opt-outs of a former owner when a dispute gives a work or style to another party."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.licensing.actions.notifying import notify_licensee
from provenance.licensing.actions.paying import refund_unused
from provenance.licensing.events import GrantRevoked, OfferEnded, OptOutWithdrawn
from provenance.licensing.models import Grant, GrantEvent, Offer, OptOut


def end_licences(actor: Actor, subject_kind: str, subject_id: UUID) -> None:
    """End every offer and grant of a work or style for new uses, in the caller's transaction.

    Pictures that were made keep the terms under which they were made; what was prepaid for others goes back, and
    licensees are told. Whoever gives what was earned to another party does so after this.
    """
    now = timezone.now()
    offers = Offer.objects.filter(subject_kind=subject_kind, subject_id=subject_id)
    for offer in offers.filter(withdrawn_at=None, superseded_at=None).select_for_update():
        offer.withdrawn_at = now
        offer.save(update_fields=["withdrawn_at"])
        audit_log.append(OfferEnded(actor=actor, offer=offer.pk, party=offer.party_id))
    ended = (GrantEvent.Kind.REVOKED, GrantEvent.Kind.DECLINED)
    for grant in Grant.objects.filter(offer__in=offers).exclude(events__kind__in=ended).select_for_update():
        GrantEvent.objects.create(grant=grant, kind="revoked", at=now)
        audit_log.append(GrantRevoked(actor=actor, grant=grant.pk))
        refund_unused(actor=actor, grant_id=grant.pk)
        notify_licensee(grant, kind="grant-revoked")


def end_opt_outs(actor: Actor, subject_kind: str, subject_id: UUID, *, former: UUID) -> list[UUID]:
    """End what a former owner said no to of a work or style, in the caller's transaction: the new owner decides now.

    A no to the picture itself, and one to the work or style, end; those of others hold on. Returns the claims that
    still waited: the caller ends their disputes.
    """
    waited = []
    said = Q(subject_kind=subject_kind, subject_id=subject_id)
    if subject_kind == "work":
        said |= Q(subject_kind="picture", matches__work=subject_id)
    standing = [OptOut.State.ACTIVE, OptOut.State.AWAITING_REVIEW]
    found = OptOut.objects.filter(said, party=former, state__in=standing).values("pk")
    for opt_out in OptOut.objects.select_for_update().filter(pk__in=found).order_by("pk"):
        if opt_out.state == OptOut.State.AWAITING_REVIEW:
            waited.append(opt_out.pk)
        opt_out.state, opt_out.ended_at = OptOut.State.WITHDRAWN, timezone.now()
        opt_out.save(update_fields=["state", "ended_at"])
        audit_log.append(OptOutWithdrawn(actor=actor, opt_out=opt_out.pk, party=former))
    return waited
