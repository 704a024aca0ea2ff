"""What is answered when nobody could: in both languages, and without anything that could fail once more."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import get_language_from_request

from provenance.errors import Fault
from server.problems import broken_by, headers_of, of_http, told_at


def failed(request: HttpRequest) -> HttpResponseBase:
    """Answer a request that broke: 503 while the database is away, else 500."""
    fault, status = broken_by(sys.exc_info()[1])
    return _told(request, fault, status=status)


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request that makes no sense, such as one for a host that is not ours."""
    return _told(request, of_http(400), status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request that its account may not make."""
    return _told(request, of_http(403), status=403)


def nothing_here(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request for an address that there is not."""
    return _told(request, of_http(404), status=404)


def _told(request: HttpRequest, fault: Fault, *, status: int) -> HttpResponseBase:
    """Return a fault as its address tells of faults: programs get problem details, OpenAI's client its own shape."""
    language = "zh-Hans" if get_language_from_request(request).startswith("zh") else "en"
    media_type, body = told_at(request.path, fault, status=status, language=language)
    return HttpResponse(body, status=status, headers=headers_of(fault), content_type=media_type)
