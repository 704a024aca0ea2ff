"""Signing keys that were revoked: anyone may read them, an operator adds one."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from provenance.credentials import queries
from provenance.credentials.actions import revoke_key
from server.api.actors import actor_of
from server.api.generations import KnownFieldsOnly


class RevocationView(serializers.Serializer):
    """A revoked key: which, since when, and why."""

    key = serializers.CharField(source="key_id")
    since = serializers.DateTimeField()
    reason = serializers.CharField()
    revoked_at = serializers.DateTimeField()


class RevocationInput(KnownFieldsOnly):
    """A key that is not to be relied on from a moment on; without one, from now."""

    key = serializers.RegexField(r"^sha256:[0-9a-f]{64}$")
    since = serializers.DateTimeField(default=None, allow_null=True)
    reason = serializers.CharField(max_length=500)


class RevocationList(APIView):
    """The revoked signing keys of this installation."""

    def get_permissions(self) -> list[BasePermission]:
        """Let anyone read; revoking takes an account."""
        return [AllowAny()] if self.request.method in SAFE_METHODS else [IsAuthenticated()]

    @extend_schema(responses={200: RevocationView(many=True)})
    def get(self, request: Request) -> Response:
        """Return every revoked key, the newest revocation first."""
        return Response(RevocationView(queries.revocations(), many=True).data)

    @extend_schema(request=RevocationInput, responses={201: RevocationView})
    def post(self, request: Request) -> Response:
        """Revoke a key as an operator; it is never taken back."""
        body = RevocationInput(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        revoked = revoke_key(
            actor=actor_of(request), key_id=asked["key"], since=asked["since"] or timezone.now(), reason=asked["reason"]
        )
        return Response(RevocationView(revoked).data, status=201)
