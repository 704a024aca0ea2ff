"""How often one account, or one address without an account, may call."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:  # REST framework imports this module while its own views are half loaded
    from rest_framework.request import Request
    from rest_framework.views import APIView


class PerAccount(SimpleRateThrottle):
    """Counts calls by account, else by address, under the rate that the view's ``throttle`` names."""

    scope = "account"

    def __init__(self) -> None:
        """Wait for the view: it names the rate."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Say whether one more call is allowed now."""
        names = getattr(view, "throttle", {})
        self.scope = names.get(request.method, "account") if isinstance(names, dict) else names
        self.rate = self.THROTTLE_RATES[self.scope]
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return super().allow_request(request, view)

    def allows(self, request: Request, scope: str) -> bool:
        """Say whether one more use of something costly is allowed now, and count it; the answer does without else."""
        self.scope, self.rate = scope, self.THROTTLE_RATES[scope]
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return bool(super().allow_request(request, cast("APIView", None)))

    def get_cache_key(self, request: Request, view: APIView) -> str:
        """Return the counter that a call belongs to."""
        account = getattr(request.user, "pk", None)
        who = str(account) if account else self.get_ident(request)
        return f"throttle-{self.scope}-{who}"
