"""The caller's account and its API tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import authenticate
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from server.accounts.models import make_token


class AccountView(serializers.Serializer):
    """The caller's own account."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    roles = serializers.SerializerMethodField()

    def get_roles(self, account: Any) -> list[str]:
        """Return the roles that the account holds."""
        return sorted(account.actor().roles)


class TokenView(serializers.Serializer):
    """A token without its secret."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    made_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class TokenInput(serializers.Serializer):
    """A new token, by name; for a caller without a session, with account and password."""

    name = serializers.CharField(max_length=100, default="API")
    days = serializers.IntegerField(min_value=1, max_value=3650, default=90)
    account = serializers.CharField(max_length=150, default="", allow_blank=True)
    password = serializers.CharField(max_length=1000, default="", allow_blank=True, trim_whitespace=False)


class Me(APIView):
    """Who the caller is."""

    @extend_schema(responses={200: AccountView})
    def get(self, request: Request) -> Response:
        """Return the caller's account and roles."""
        return Response(AccountView(request.user).data)


class TokenList(APIView):
    """The caller's tokens."""

    permission_classes = (AllowAny,)
    throttle = {"POST": "sign-in"}

    @extend_schema(responses={200: TokenView(many=True)})
    def get(self, request: Request) -> Response:
        """Return the caller's tokens, newest first, without secrets."""
        account = _signed_in(request)
        return Response(TokenView(account.tokens.order_by("-made_at"), many=True).data)

    @extend_schema(request=TokenInput, responses={201: TokenView})
    def post(self, request: Request) -> Response:
        """Make a token and show its secret, this once."""
        body = TokenInput(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        account = (
            authenticate(request, name=values["account"], password=values["password"])
            if values["account"]
            else _signed_in(request)
        )
        if account is None:
            raise AuthenticationFailed()
        token, secret = make_token(
            account=account, name=values["name"], expires_at=timezone.now() + timedelta(days=values["days"])
        )
        return Response({**TokenView(token).data, "secret": secret}, status=201)


class TokenDetail(APIView):
    """One token of the caller's."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, token_id: UUID) -> Response:
        """Revoke a token at once."""
        removed, _ = request.user.tokens.filter(pk=token_id).delete()
        if not removed:
            raise NotFound()
        return Response(status=204)


def _signed_in(request: Request) -> Any:
    if request.user is None or not request.user.is_authenticated:
        raise AuthenticationFailed()
    return request.user
