"""Bodies over the limit: answered or hung up on before anything is kept of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

LIMIT = 10


@pytest.fixture(autouse=True)
def static_files_have_a_folder(settings: Settings) -> None:
    """Make the folder that collectstatic would make; the site warns where there is none."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


def call(chunks: list[bytes], **headers: bytes) -> tuple[list[dict[str, Any]], bytes]:
    """Send a body in pieces; return what was answered, and what the application read."""
    from server.asgi import BoundedBody

    sent: list[dict[str, Any]] = []
    read = b""
    waiting = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        nonlocal read
        for _ in chunks:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            read += message["body"]
        await send({"type": "http.response.start", "status": 200})

    scope = {"type": "http", "headers": [(name.replace("_", "-").encode(), value) for name, value in headers.items()]}
    asyncio.run(BoundedBody(application, limit=LIMIT)(scope, receive, send))
    return sent, read


def test_a_body_within_the_limit_is_read_whole() -> None:
    sent, read = call([b"12345", b"67890"], content_length=b"10")
    assert sent[0]["status"] == 200 and read == b"1234567890"


@pytest.mark.parametrize("length", [b"11", b"99999999999999999999", b"ten", b"-1", b""])
def test_a_body_that_declares_too_much_or_nonsense_is_not_read(length: bytes) -> None:
    sent, read = call([b"12345"], content_length=length)
    assert sent[0]["status"] == 413 and read == b""


def test_a_body_that_turns_out_too_large_is_hung_up_on() -> None:
    sent, read = call([b"12345", b"67890", b"1"])
    assert sent == [] and read == b"1234567890"
