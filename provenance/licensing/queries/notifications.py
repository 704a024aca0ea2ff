"""Reading what an account was told of its offers and grants."""

from __future__ import annotations

from django.db.models import QuerySet

from provenance.actor import Actor
from provenance.licensing.models import Notification


def notifications_of(actor: Actor) -> QuerySet[Notification]:
    """Return an account's notifications, the newest first."""
    return Notification.objects.filter(account_id=actor.account_id).order_by("-at", "id")
