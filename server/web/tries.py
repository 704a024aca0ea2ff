"""How often one address may try something on the pages that takes no account."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest


def try_again(what: str, *, seconds: int) -> int:
    """Count one more try of something; return how many there have been since the first, within some seconds."""
    key = f"tries:{hashlib.sha256(what.encode()).hexdigest()}"
    cache.add(key, 0, timeout=seconds)
    try:
        return cache.incr(key)
    except ValueError:  # the time ended between the two calls
        return 1


def address_of(request: HttpRequest) -> str:
    """Return the caller's address, seen through as many proxies as the operator has named."""
    proxies = settings.REST_FRAMEWORK["NUM_PROXIES"]
    passed = [one.strip() for one in request.headers.get("X-Forwarded-For", "").split(",") if one.strip()]
    if proxies and passed:
        return passed[-min(proxies, len(passed))]
    return str(request.META.get("REMOTE_ADDR", ""))
