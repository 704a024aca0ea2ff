"""Bodies over the limit: answered or hung up on before anything is kept of them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

LIMIT = 10


@pytest.fixture(autouse=True)
def static_files_have_a_folder(settings: Settings) -> None:
    """Make the folder that collectstatic would make; the site warns where there is none."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


def call(
    chunks: list[bytes], *, path: str = "/verify", answers_first: bool = False, **headers: bytes
) -> tuple[list[dict[str, Any]], bytes, int]:
    """Send a body in pieces; return what was answered, what the application read, and how many pieces nobody took."""
    from server.asgi import BoundedBody

    sent: list[dict[str, Any]] = []
    read = b""
    waiting = [{"type": "http.request", "body": chunk, "more_body": chunk is not chunks[-1]} for chunk in chunks]

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        nonlocal read
        if answers_first:
            await send({"type": "http.response.start", "status": 200})
        for _ in chunks:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            read += message["body"]
        await send({"type": "http.response.start", "status": 200})

    named = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    scope = {"type": "http", "path": path, "headers": named}
    asyncio.run(BoundedBody(application, limit=LIMIT)(scope, receive, send))
    return sent, read, len(waiting)


def told(sent: list[dict[str, Any]]) -> tuple[bytes, bytes]:
    """Return the media type and the words of one whole answer, 413."""
    start, *pieces = sent
    headers, body = dict(start["headers"]), b"".join(one["body"] for one in pieces)
    assert start["status"] == 413 and headers[b"connection"] == b"close"
    assert int(headers[b"content-length"]) == len(body)
    assert [one.get("more_body", False) for one in pieces] == [True, False]
    return headers[b"content-type"], body


def test_a_body_within_the_limit_is_read_whole() -> None:
    sent, read, _ = call([b"12345", b"67890"], content_length=b"10")
    assert sent[0]["status"] == 200 and read == b"1234567890"


@pytest.mark.parametrize("length", [b"11", b"99999999999999999999", b"9" * 5000, b"ten", b"-1", b""])
def test_a_body_that_declares_too_much_or_nonsense_is_refused_and_then_dropped_unread(length: bytes) -> None:
    sent, read, left = call([b"12345", b"678"], content_length=length)
    assert told(sent) and read == b"" and left == 0


def test_a_body_that_turns_out_too_large_is_refused_where_nothing_was_answered_yet() -> None:
    sent, read, left = call([b"12345", b"67890", b"1", b"2"])
    assert told(sent) and read == b"1234567890" and left == 0


def test_a_body_that_turns_out_too_large_behind_an_answer_is_hung_up_on() -> None:
    sent, read, _ = call([b"12345", b"67890", b"1"], answers_first=True)
    assert sent == [{"type": "http.response.start", "status": 200}] and read == b"1234567890"


def test_a_caller_who_goes_on_sending_is_not_listened_to_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    from server import asgi

    monkeypatch.setattr(asgi, "LINGER_SECONDS", 0.05)
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"more", "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/", "headers": [(b"content-length", b"11")]}
    asyncio.run(asyncio.wait_for(asgi.BoundedBody(asgi.OneThread(), limit=LIMIT)(scope, receive, send), timeout=20))
    assert told(sent)


@pytest.mark.parametrize("path", ["/api/v1/verifications", "/c2pa/matches/byContent"])
@pytest.mark.parametrize(
    ("language", "word"),
    [
        (b"en", "Send"), (b"zh-CN,zh;q=0.9", "发送"), (b"fr, zh-TW;q=0.8, en;q=0.7", "发送"),
        (b"zh;q=0.1, en-GB", "Send"), (b"fr", "Send"), (b"\xff" * 600, "Send"),
    ],
)  # fmt: skip
def test_a_program_is_told_as_a_problem_in_both_languages(path: str, language: bytes, word: str) -> None:
    sent, _, _ = call([b"1"], path=path, content_length=b"11", accept_language=language)
    media_type, body = told(sent)
    problem = json.loads(body)
    assert media_type == b"application/problem+json"
    assert (problem["status"], problem["code"], problem["type"]) == (413, "too-large", "/problems/too-large")
    assert word in problem["detail"] and problem["said"].keys() == {"en", "zh-Hans"}


def test_openais_client_is_told_in_openais_shape() -> None:
    sent, _, _ = call([b"1"], path="/v1/content_provenance_checks", content_length=b"11")
    media_type, body = told(sent)
    error = json.loads(body)["error"]
    assert media_type == b"application/json" and error.keys() == {"message", "type", "param", "code"}
    assert (error["type"], error["code"]) == ("invalid_request_error", "too-large") and "MB" in error["message"]


def test_a_person_is_told_by_a_page_in_both_languages() -> None:
    sent, _, _ = call([b"1"], content_length=b"11")
    media_type, body = told(sent)
    assert media_type == b"text/html; charset=utf-8" and body.startswith(b"<!doctype html>")
    assert "Send a smaller file." in body.decode() and "请发送较小的文件。" in body.decode()
