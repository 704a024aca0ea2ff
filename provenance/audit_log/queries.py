"""Reading the log."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from provenance.actor import Actor
from provenance.audit_log.models import Entry


def entries_visible_to(actor: Actor) -> QuerySet[Entry]:
    """Return the entries an account may open: its own, or all for an auditor; newest first."""
    entries = Entry.objects.select_related("opening", "position").order_by("-at", "id")
    if actor.has("auditor"):
        return entries
    return entries.filter(opening__details__actor=str(actor.account_id))


def entries_about_generation(generation_id: UUID) -> QuerySet[Entry]:
    """Return every entry that tells of one generation, oldest first."""
    return (
        Entry.objects.filter(opening__details__generation=str(generation_id))
        .select_related("opening", "position")
        .order_by("at", "id")
    )


def has_leaf(leaf_hash: str) -> bool:
    """Say whether an entry with this leaf hash was recorded."""
    return Entry.objects.filter(leaf_hash=leaf_hash).exists()
