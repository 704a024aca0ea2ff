"""Who is calling: a bearer token for programs, the session for our own pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from server.accounts.erasing import hold_standing
from server.accounts.models import Account, account_with


class TokenAuthentication(BaseAuthentication):
    """Reads ``Authorization: Bearer colophon_...``."""

    def authenticate(self, request: Request) -> tuple[Account, None] | None:
        """Return the account of a bearer token; None when there is no such header."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        account = account_with(secret.strip())
        if account is None:
            raise AuthenticationFailed()
        return account, None

    def authenticate_header(self, request: Request) -> str:
        """Return what a caller without credentials is asked for."""
        return "Bearer"


@contextmanager
def standing(account: Account) -> Iterator[None]:
    """Hold the caller's account for one transaction; raise AuthenticationFailed if it was erased since it was told."""
    with transaction.atomic():
        if not hold_standing(account):
            raise AuthenticationFailed()
        yield


class PageSession(SessionAuthentication):
    """The signed-in session of Colophon's own pages, with its CSRF check."""


class TokenScheme(OpenApiAuthenticationExtension):
    """Describes bearer tokens in the schema."""

    target_class = "server.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """Return the OpenAPI description of a bearer token."""
        return {"type": "http", "scheme": "bearer"}
