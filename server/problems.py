"""How a fault is told over HTTP: as problem details (RFC 9457), in OpenAI's shape on that face, to people as a page."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from typing import Any

from django.db import InterfaceError, OperationalError
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.translation.trans_real import parse_accept_lang_header

from provenance.errors import Fault, Language

Message = MutableMapping[str, Any]
PROBLEM = "application/problem+json"
FOR_PROGRAMS = ("/api/", "/c2pa/", "/images/", "/log/", "/health/")
FOR_OPENAIS_CLIENT = "/v1/"
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Colophon</title><link rel="stylesheet" href="{}"></head>
<body><header class="masthead"><a class="wordmark" href="/">Colophon</a></header>
<main id="content"><p role="alert">{}</p><p lang="zh-Hans" role="alert">{}</p></main></body>
</html>
"""
_OPENAIS_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_OF_HTTP: dict[int, tuple[str, str, str]] = {
    400: ("bad-request", "The request could not be read.", "无法读取该请求。"),
    401: ("not-signed-in", "Sign in, or send a bearer token.", "请登录，或提供 Bearer 令牌。"),
    403: ("forbidden", "Your account may not do this.", "您的账户无权进行此操作。"),
    404: ("not-found", "There is nothing here.", "此处没有内容。"),
    405: ("method-not-allowed", "This address does not take that method.", "该地址不支持此方法。"),
    406: ("not-acceptable", "This address answers in JSON.", "该地址以 JSON 应答。"),
    413: ("too-large", "The upload is too large.", "上传内容过大。"),
    415: ("unsupported-media-type", "Send JSON here, or a form with files.", "请发送 JSON，或带文件的表单。"),
    429: ("too-many-requests", "Too many requests. Wait a moment and try again.", "请求过多。请稍候再试。"),
}


class DatabaseAway(Fault):
    """The database does not answer, as while it starts again."""

    code = "database-away"
    en = "The database is away for a moment. Try again in {seconds} seconds."
    zh = "数据库暂时不可用。请在 {seconds} 秒后重试。"


def broken_by(error: BaseException | None) -> tuple[Fault, int]:
    """Return what is told of an error that nobody handled, without its words, and the status: 503 or 500."""
    if isinstance(error, OperationalError | InterfaceError):
        return DatabaseAway(seconds=5), 503
    return Fault(), 500


class _Said(Fault):
    """A problem whose words are no template."""

    def __init__(self, code: str, en: str, zh: str) -> None:
        self.code, self.en, self.zh = code, _literal(en), _literal(zh)  # type: ignore[misc]  # one class for all of them
        super().__init__()


def said(code: str, en: str, zh: str) -> Fault:
    """Return a fault of these very words."""
    return _Said(code, en, zh)


def of_http(status: int, *, detail: str = "") -> Fault:
    """Return the problem that HTTP itself has a status for, in both languages; the English words may be others."""
    code, en, zh = _OF_HTTP.get(status, _OF_HTTP[400])
    return _Said(code, detail or en, zh)


def problem_details(fault: Fault, *, status: int, language: str, **more: Any) -> dict[str, Any]:
    """Return a fault as RFC 9457 has it, in the caller's language and in both."""
    return {
        "type": f"/problems/{fault.code}",
        "title": fault.code.replace("-", " "),
        "status": status,
        "detail": fault.said(language),
        "code": fault.code,
        "said": {"en": fault.said("en"), "zh-Hans": fault.said("zh-Hans")},
        **more,
    }


def openais_error(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Return problem details in the shape that OpenAI's client expects."""
    status, fields = problem["status"], [one["field"] for one in problem.get("errors", ())]
    kind = "server_error" if status >= 500 else _OPENAIS_TYPES.get(status, "invalid_request_error")
    return {
        "error": {
            "message": problem["detail"], "type": kind, "param": fields[0] if fields else None, "code": problem["code"],
        }
    }  # fmt: skip


def told_at(path: str, fault: Fault, *, status: int, language: str) -> tuple[str, bytes]:
    """Return the media type and the body in which an address tells of a fault; a page has both languages."""
    if path.startswith(FOR_OPENAIS_CLIENT):
        return "application/json", _json(openais_error(problem_details(fault, status=status, language=language)))
    if path.startswith(FOR_PROGRAMS):
        return PROBLEM, _json(problem_details(fault, status=status, language=language))
    page = format_html(_PAGE, static("web/colophon.css"), fault.said("en"), fault.said("zh-Hans"))
    return "text/html; charset=utf-8", page.encode()


def headers_of(fault: Fault) -> dict[str, str]:
    """Return the headers that go with a fault: when to try again, where it knows."""
    return {"Retry-After": str(fault.values["seconds"])} if "seconds" in fault.values else {}


def refusal(scope: Message, fault: Fault, *, status: int) -> tuple[Message, Message]:
    """Return the two ASGI messages that tell of a fault where Django does not answer, and end the connection."""
    accepted = dict(scope.get("headers", ())).get(b"accept-language", b"").decode("latin-1")
    media_type, body = told_at(scope.get("path", ""), fault, status=status, language=language_among(accepted))
    headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
    headers += [(b"x-content-type-options", b"nosniff"), (b"connection", b"close")]
    headers += [(name.lower().encode(), value.encode()) for name, value in headers_of(fault).items()]
    start = {"type": "http.response.start", "status": status, "headers": headers}
    return start, {"type": "http.response.body", "body": body}


def language_among(accepted: str) -> Language:
    """Return which of our languages an Accept-Language header likes best; English where it names neither."""
    for name, _ in parse_accept_lang_header(accepted.lower()):
        if name.split("-")[0] in ("en", "zh"):
            return "zh-Hans" if name.startswith("zh") else "en"
    return "en"


def _literal(sentence: str) -> str:
    return sentence.replace("{", "{{").replace("}", "}}")


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
