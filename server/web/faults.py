"""What is answered when nobody could: in both languages, and without anything that could fail once more."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.templatetags.static import static
from django.utils.html import format_html

AWAY = (
    "database-away",
    503,
    "The database is away for a moment. Try again in some seconds.",
    "数据库暂时不可用。请过几秒再试。",
)
BROKEN = (
    "fault",
    500,
    "Something went wrong here, and it has been noted. Try again; if it stays, tell the operator.",
    "此处出现问题，已作记录。请重试；若仍然如此，请告知运营者。",
)
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Colophon</title><link rel="stylesheet" href="{}"></head>
<body><main id="content"><p role="alert">{}</p><p lang="zh-Hans" role="alert">{}</p></main></body>
</html>
"""
FOR_PROGRAMS = ("/api/", "/c2pa/", "/v1/", "/log/", "/health/")


def failed(request: HttpRequest) -> HttpResponseBase:
    """Answer a request that broke: 503 while the database is away, else 500; programs get problem details."""
    is_away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    code, status, en, zh = AWAY if is_away else BROKEN
    headers = {"Retry-After": "5"} if is_away else {}
    if request.path.startswith(FOR_PROGRAMS):
        told = {"type": f"/problems/{code}", "title": code.replace("-", " "), "status": status, "detail": en}
        said = {"code": code, "said": {"en": en, "zh-Hans": zh}}
        return JsonResponse(told | said, status=status, headers=headers, content_type="application/problem+json")
    page = format_html(PAGE, static("web/colophon.css"), en, zh)
    return HttpResponse(page, status=status, headers=headers)
