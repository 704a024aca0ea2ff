"""Telling accounts what became of what they offer, ask for and hold."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance.actor import Actor
from provenance.licensing.models import Grant, Notification
from provenance.licensing.queries.offers import name_of_subject
from provenance.works.queries import accounts_of


def notify_licensee(grant: Grant, *, kind: str) -> None:
    """Tell who holds or asked for a grant, in the caller's transaction."""
    _notify([grant.licensee_id], grant, kind=kind)


def notify_rightsholders(grant: Grant, *, kind: str) -> None:
    """Tell everybody who acts for the party that offers, in the caller's transaction."""
    _notify(accounts_of(grant.offer.party_id), grant, kind=kind)


def _notify(accounts: Iterable[UUID], grant: Grant, *, kind: str) -> None:
    name, now = name_of_subject(grant.offer), timezone.now()
    Notification.objects.bulk_create(
        Notification(account_id=account, kind=kind, subject=name[:120], offer=grant.offer, grant=grant, at=now)
        for account in accounts
    )


@transaction.atomic
def mark_read(*, actor: Actor) -> int:
    """Mark all of an account's notifications as read; return how many were not."""
    unread = Notification.objects.filter(account_id=actor.account_id, read_at=None)
    return unread.update(read_at=timezone.now())
