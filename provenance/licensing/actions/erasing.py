"""Erasing what names a person in offers and in what accounts were told; terms and digests stay for who holds them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.licensing.events import OfferEnded
from provenance.licensing.models import Notification, Offer

ERASED_NAME = "erased · 已删除"


def end_offers(actor: Actor, parties: Iterable[UUID]) -> None:
    """Withdraw every offer of some parties that stands or is paused, in the caller's transaction."""
    offers = Offer.objects.filter(party__in=list(parties), withdrawn_at=None, superseded_at=None).order_by("pk")
    for offer in offers.select_for_update():
        offer.withdrawn_at = timezone.now()
        offer.save(update_fields=["withdrawn_at"])
        audit_log.append(OfferEnded(actor=actor, offer=offer.pk, party=offer.party_id))


def erase_notifications(account_id: UUID, *, parties: Iterable[UUID], subjects: Iterable[UUID]) -> None:
    """Erase what an account was told, and how others were told that its parties, works or styles are called."""
    Notification.objects.filter(account_id=account_id).delete()
    theirs = Q(offer__party__in=list(parties)) | Q(offer__subject_id__in=list(subjects))
    Notification.objects.filter(theirs).update(subject=ERASED_NAME)
