"""The auditor's view of verdicts that changed since their pictures were signed."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.generics import ListAPIView

from generation.actions import reverifying
from server.api.actors import actor_of


class ReverificationView(serializers.Serializer):
    """One run over every stored credential: why, with what, how far it is, how many verdicts changed."""

    id = serializers.UUIDField()
    reason = serializers.CharField(help_text="asked, library-changed or trust-lists-changed")
    library_version = serializers.CharField()
    trust_version = serializers.CharField(help_text="As a verdict's trust.version.")
    state = serializers.CharField(help_text="waiting, running, done or failed")
    done = serializers.IntegerField(help_text="Credentials verified so far.")
    total = serializers.IntegerField(help_text="Credentials to verify, as counted at the start.")
    changed = serializers.IntegerField(allow_null=True, help_text="Null until the run is done.")
    fault = serializers.JSONField(allow_null=True)
    asked_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class VerdictChangeView(serializers.Serializer):
    """A credential that verifies otherwise than it did."""

    image = serializers.CharField(source="image_digest")
    manifest = serializers.CharField(source="manifest_id")
    before = serializers.JSONField(help_text="state, library, trust, and each check's result")
    after = serializers.JSONField()
    why = serializers.JSONField(help_text="Each check that changed: before and after.")
    found_at = serializers.DateTimeField()


class ReverificationList(ListAPIView):
    """Runs over every stored credential; the newest first."""

    serializer_class = ReverificationView
    ordering = ("-asked_at", "id")

    def get_queryset(self) -> Any:
        """Return the runs; 403 for anybody but an auditor."""
        return reverifying.reverifications_visible_to(actor_of(self.request))


class VerdictChangeList(ListAPIView):
    """The verdicts that one run found changed."""

    serializer_class = VerdictChangeView
    ordering = ("-found_at", "id")

    def get_queryset(self) -> Any:
        """Return the changes; 403 for anybody but an auditor."""
        return reverifying.changes_visible_to(
            actor_of(self.request), reverification_id=self.kwargs["reverification_id"]
        )
