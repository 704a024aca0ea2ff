"""Reading the audit log."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.generics import ListAPIView

from provenance.audit_log import queries
from server.api.actors import actor_of


class EntryView(serializers.Serializer):
    """One entry with its opening."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    at = serializers.DateTimeField()
    commitment = serializers.CharField()
    leaf_hash = serializers.CharField()
    salt = serializers.SerializerMethodField()
    details = serializers.SerializerMethodField()

    def get_salt(self, entry: Any) -> str | None:
        """Return the salt in hex; null once erased."""
        opening = getattr(entry, "opening", None)
        return bytes(opening.salt).hex() if opening else None

    def get_details(self, entry: Any) -> dict[str, Any] | None:
        """Return what the commitment covers; null once erased."""
        opening = getattr(entry, "opening", None)
        return opening.details if opening else None


class EntryList(ListAPIView):
    """The entries of the caller's own acts; an auditor reads all."""

    serializer_class = EntryView
    ordering = ("-at", "id")

    def get_queryset(self) -> Any:
        """Return the entries that the caller may open, of one generation where asked."""
        entries = queries.entries_visible_to(actor_of(self.request))
        wanted = self.request.query_params
        if generation := wanted.get("generation"):
            entries = entries.filter(opening__details__generation=generation)
        if kind := wanted.get("kind"):
            entries = entries.filter(kind=kind)
        return entries
