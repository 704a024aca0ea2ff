"""From the signed-in account to the actor that the layers below know."""

from __future__ import annotations

from rest_framework.request import Request

from provenance.actor import Actor


def actor_of(request: Request) -> Actor:
    """Return the caller as an actor; one without account or roles for a stranger."""
    account = request.user
    return account.actor() if account is not None and account.is_authenticated else Actor(account_id=None)
