"""Each request is answered in one thread that stays; streams are sent piece by piece and end with their reader."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import django
import pytest
from django.core import signals
from django.db import OperationalError
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils import translation
from pytest_django import Settings

seen: list[str] = []
opened: list[Any] = []


@pytest.fixture(autouse=True)
def this_site(settings: Settings) -> Iterator[None]:
    """Serve the views below, and note in which threads a request begins and ends."""
    django.setup()
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [f"{__name__}.noting"]
    begins, ends = (lambda **_: _note("begins")), (lambda **_: _note("ends"))
    signals.request_started.connect(begins)
    signals.request_finished.connect(ends)
    seen.clear()
    opened.clear()
    yield
    signals.request_started.disconnect(begins)
    signals.request_finished.disconnect(ends)


def _note(what: str) -> None:
    seen.append(f"{what} {threading.current_thread().name}")


def noting(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        _note("middleware")
        return get_response(request)

    return middleware


def plain(request: HttpRequest) -> HttpResponse:
    _note("view")
    opened.append(request)
    return HttpResponse(request.body[:3] + str(len(request.body)).encode() + request.get_full_path().encode())


def spoken(request: HttpRequest) -> HttpResponse:
    language = translation.get_language()
    translation.activate("zh-hans")
    return HttpResponse(language)


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a view that fails")


async def _ticks() -> AsyncIterator[bytes]:
    try:
        for number in range(1000):
            yield f"{number}\n".encode()
            await asyncio.sleep(0.01)
    finally:
        seen.append("stream closed")


def endless(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(_ticks())


async def _fails() -> AsyncIterator[bytes]:
    yield b"one"
    raise RuntimeError("a stream that fails")


def failing(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(_fails())


def file(request: HttpRequest) -> FileResponse:
    target = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
    target.write(b"x" * 300_000)
    target.seek(0)
    opened.append(target)
    return FileResponse(target)


def generated(request: HttpRequest) -> StreamingHttpResponse:
    def pieces() -> Iterator[str]:
        for number in range(3):
            _note("piece")
            yield str(number) * 2**16
        _note("last")

    return StreamingHttpResponse(pieces())


def broken_off(request: HttpRequest) -> StreamingHttpResponse:
    def pieces() -> Iterator[str]:
        yield "one"
        raise RuntimeError("a generator that fails")

    return StreamingHttpResponse(pieces())


def cut_off(request: HttpRequest) -> StreamingHttpResponse:
    def pieces() -> Iterator[str]:
        yield "one"
        raise OperationalError("secret")

    return StreamingHttpResponse(pieces())


def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse("live")


VIEWS: tuple[Any, ...] = (plain, spoken, broken, endless, failing, file, generated, broken_off)
urlpatterns = [path("health/live", live), path("api/cut_off", cut_off), *(path(view.__name__, view) for view in VIEWS)]


class Call:
    """One request, its body in pieces; the reader leaves after so many messages where a number is given."""

    def __init__(self, name: str, *body: bytes, leaves_after: int = 0) -> None:
        self.scope: dict[str, Any] = {
            "type": "http", "method": "POST" if body else "GET", "path": f"/{name}", "query_string": b"a=1",
            "headers": [(b"host", b"testserver")], "server": ("testserver", 80),
        }  # fmt: skip
        self.leaves_after, self.sent = leaves_after, [dict[str, Any]()][:0]
        self._body = [
            {"type": "http.request", "body": piece, "more_body": piece is not body[-1]} for piece in body
        ] or [{"type": "http.request", "body": b"", "more_body": False}]
        self._left = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self._body:
            return self._body.pop(0)
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        if len(self.sent) == self.leaves_after:
            self._left.set()

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def pieces(self) -> list[bytes]:
        return [message["body"] for message in self.sent[1:] if message.get("body")]


def calls(*wanted: Call) -> tuple[Call, ...]:
    """Make some calls to one site, one after the other."""
    from server.one_thread import OneThread

    async def run() -> None:
        site = OneThread()
        for one in wanted:
            await asyncio.wait_for(site(one.scope, one.receive, one.send), timeout=20)

    asyncio.run(run())
    return wanted


def test_a_request_begins_and_ends_in_one_thread_which_the_next_one_has_too() -> None:
    first, second = calls(Call("plain", b"abc", b"defg"), Call("plain", b"x"))
    assert (first.status, first.pieces) == (200, [b"abc7/plain?a=1"])
    assert second.pieces == [b"x1/plain?a=1"]
    assert [one.split()[0] for one in seen] == ["begins", "middleware", "view", "ends"] * 2
    (thread,) = {one.split(maxsplit=1)[1] for one in seen}
    assert thread.startswith("request_")
    assert all(request._stream.closed for request in opened)


def test_a_thread_remembers_nothing_of_the_last_request() -> None:
    first, second = calls(Call("spoken"), Call("spoken"))
    assert first.pieces == second.pieces == [b"en"]


def test_a_view_that_fails_is_answered(settings: Settings) -> None:
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    (failed,) = calls(Call("broken"))
    assert failed.status == 500
    assert seen[-1].startswith("ends")


def test_a_stream_ends_when_its_reader_leaves() -> None:
    (left,) = calls(Call("endless", leaves_after=3))
    assert left.pieces[:2] == [b"0\n", b"1\n"] and len(left.pieces) < 10
    assert seen[-2] == "stream closed" and seen[-1].startswith("ends")


def test_a_stream_that_fails_says_so() -> None:
    with pytest.raises(RuntimeError, match="a stream that fails"):
        calls(Call("failing"))
    assert seen[-1].startswith("ends")


def test_a_file_is_sent_in_pieces_and_closed() -> None:
    (sent,) = calls(Call("file"))
    assert max(map(len, sent.pieces)) <= 2**16 and sum(map(len, sent.pieces)) == 300_000
    assert dict(sent.sent[0]["headers"])[b"Content-Length"] == b"300000"
    assert opened[0].closed


def test_a_generator_runs_to_its_end_in_the_thread_of_its_view_and_is_sent_in_pieces() -> None:
    (sent,) = calls(Call("generated"))
    assert b"".join(sent.pieces) == b"".join(number * 2**16 for number in (b"0", b"1", b"2"))
    assert max(map(len, sent.pieces)) <= 2**16
    ran = [one.split(maxsplit=1) for one in seen if one.startswith(("middleware", "piece", "last"))]
    assert [what for what, _ in ran] == ["middleware", "piece", "piece", "piece", "last"]
    (thread,) = {name for _, name in ran}
    assert thread.startswith("request_")


def test_a_generator_that_fails_is_closed_and_answered_without_anything_of_it() -> None:
    with pytest.raises(RuntimeError, match="a generator that fails"):
        calls(failed := Call("broken_off"))
    assert failed.status == 500 and "Something went wrong." in failed.pieces[0].decode()
    assert b"one" not in failed.pieces[0] and b"a generator that fails" not in failed.pieces[0]
    assert seen[-1].startswith("ends")


def test_a_report_that_loses_its_database_asks_to_try_again() -> None:
    with pytest.raises(OperationalError):
        calls(failed := Call("api/cut_off"))
    assert failed.status == 503 and dict(failed.sent[0]["headers"])[b"retry-after"] == b"5"
    assert json.loads(failed.pieces[0])["code"] == "database-away" and b"secret" not in failed.pieces[0]


def test_a_reader_who_leaves_before_its_body_is_read_gets_nothing() -> None:
    gone = Call("plain", b"abc")
    gone._body = [{"type": "http.disconnect"}]
    calls(gone)
    assert gone.sent == [] and seen == []


@pytest.mark.parametrize("limit", ["SECONDS_WITHOUT_A_BYTE", "SECONDS_FOR_A_BODY"])
def test_a_body_that_stands_still_is_hung_up_on(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(f"server.one_thread.{limit}", 0.05)
    stalled = Call("plain", b"abc", b"def")
    stalled._body.pop()  # and the reader does not leave either
    calls(stalled)
    assert stalled.status == 408 and seen == []
    assert "Send it again" in stalled.pieces[0].decode() and "重新发送" in stalled.pieces[0].decode()
    headers = dict(stalled.sent[0]["headers"])
    assert (headers[b"connection"], headers[b"content-type"]) == (b"close", b"text/html; charset=utf-8")


@pytest.mark.parametrize("path", ["api/v1/works", "c2pa/matches/byContent", "v1/content_provenance_checks"])
def test_a_program_whose_body_stands_still_is_told_in_the_shape_of_its_face(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("server.one_thread.SECONDS_WITHOUT_A_BYTE", 0.05)
    stalled = Call(path, b"abc", b"def")
    stalled.scope["headers"].append((b"accept-language", b"zh-CN"))
    stalled._body.pop()
    calls(stalled)
    told, media_type = json.loads(stalled.pieces[0]), dict(stalled.sent[0]["headers"])[b"content-type"]
    if path.startswith("v1/"):
        said = told["error"]["message"]
        assert media_type == b"application/json"
        assert (told["error"]["code"], told["error"]["type"]) == ("upload-stalled", "invalid_request_error")
    else:
        said = told["detail"]
        assert media_type == b"application/problem+json"
        assert (told["status"], told["type"]) == (408, "/problems/upload-stalled")
        assert told["said"].keys() == {"en", "zh-Hans"}
    assert stalled.status == 408 and "重新发送" in said


def test_whether_the_process_lives_is_answered_while_every_thread_is_busy() -> None:
    from server.one_thread import THREADS, OneThread

    async def run() -> list[str]:
        site, ended = OneThread(), []
        free = threading.Event()
        busy = [site._in_thread(free.wait) for _ in range(THREADS)]
        waiting, alive = Call("plain"), Call("health/live")

        async def ask(one: Call) -> None:
            await site(one.scope, one.receive, one.send)
            ended.append(one.scope["path"])

        other = asyncio.ensure_future(ask(waiting))
        await asyncio.wait_for(ask(alive), timeout=20)
        free.set()
        await asyncio.gather(other, *busy)
        return ended

    assert asyncio.run(run()) == ["/health/live", "/plain"]


def test_what_is_no_request_is_refused() -> None:
    socket = Call("plain")
    socket.scope["type"] = "websocket"
    with pytest.raises(ValueError, match="websocket"):
        calls(socket)
