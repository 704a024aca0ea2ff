"""Progress for browsers: one LISTEN connection a web process, fanned out to its streams."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections
from django.http import StreamingHttpResponse
from psycopg.conninfo import make_conninfo

from generation.events import PROGRESS_CHANNEL
from generation.queries import state_of
from server.api.limits import MOST_STREAMS, TooManyStreams

log = structlog.get_logger(__name__)
TERMINAL = {"refused", "done", "failed", "cancelled"}
WORKING = {"rendering", "training"}
Read = Callable[[UUID], dict[str, Any]]
"""Reads the present state of what is watched."""
KEEP_ALIVE_SECONDS = 15
LONGEST_QUEUE = 256
"""Events that a slow reader may lag behind before the oldest are dropped."""


class Fan:
    """Hears the database's notifications on one connection and hands each to the streams that wait for it."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Queue[dict[str, Any]]]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    def enter(self, generation: str) -> asyncio.Queue[dict[str, Any]]:
        """Return a queue for the coming events of one generation; whoever enters must leave."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(LONGEST_QUEUE)
        self._waiting[generation].add(queue)
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        return queue

    async def listening(self) -> None:
        """Return once events are heard; raise TimeoutError when the database stays away."""
        await asyncio.wait_for(self._listening.wait(), timeout=10)

    def leave(self, generation: str, queue: asyncio.Queue[dict[str, Any]]) -> None:
        """Forget a queue; without any left the connection is given back."""
        self._waiting[generation].discard(queue)
        if not self._waiting[generation]:
            del self._waiting[generation]
        if not self._waiting and self._listener:
            self._listener.cancel()
            self._listening.clear()
            self._listener = None

    async def _listen(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    make_conninfo(**settings.DATABASE_CONNINFO), autocommit=True
                ) as connection:
                    await connection.execute(f"LISTEN {PROGRESS_CHANNEL}")
                    self._listening.set()
                    self._tell_all({"again": True})
                    async for notification in connection.notifies():
                        self._hand_out(json.loads(notification.payload))
            except psycopg.Error as error:
                log.warning("progress connection lost", reason=str(error))
                self._listening.clear()
                await asyncio.sleep(0.5)

    def _hand_out(self, event: dict[str, Any]) -> None:
        for queue in self._waiting.get(event.get("generation") or event["training"], ()):
            _put(queue, event)

    def _tell_all(self, event: dict[str, Any]) -> None:
        for queues in self._waiting.values():
            for queue in queues:
                _put(queue, event)


def _put(queue: asyncio.Queue[dict[str, Any]], event: dict[str, Any]) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(event)


_fans: WeakKeyDictionary[asyncio.AbstractEventLoop, Fan] = WeakKeyDictionary()


def _fan() -> Fan:
    return _fans.setdefault(asyncio.get_running_loop(), Fan())


_open: Counter[Any] = Counter()
"""How many streams each account has open; changed by the loop alone."""


def streamed(subject: UUID, *, account: Any, read: Read = state_of) -> StreamingHttpResponse:
    """Return the events of one generation or training as a response; raise TooManyStreams."""
    if _open[account] >= MOST_STREAMS:
        raise TooManyStreams(most=MOST_STREAMS)
    close_old_connections()  # gives the pool its connection back before the long answer begins
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    events = _counted(progress_of(subject, read=read), account=account)
    return StreamingHttpResponse(events, content_type="text/event-stream; charset=utf-8", headers=headers)


async def _counted(events: AsyncIterator[bytes], *, account: Any) -> AsyncIterator[bytes]:
    _open[account] += 1
    try:
        async with aclosing(events):  # type: ignore[type-var]  # a generator
            async for event in events:
                yield event
    finally:
        _open[account] -= 1
        if not _open[account]:
            del _open[account]


async def progress_of(subject: UUID, *, read: Read = state_of) -> AsyncIterator[bytes]:
    """Yield the events of one generation or training, from its present state to its end.

    The state is read once on joining and again after a lost connection; no table is polled.
    """
    key = str(subject)
    queue = _fan().enter(key)
    try:
        await _fan().listening()
        event = await _present(subject, read)
        while True:
            yield _encoded(event)
            if event["state"] in TERMINAL:
                return
            event = await _next(queue, subject, read)
    finally:
        _fan().leave(key, queue)


async def _next(queue: asyncio.Queue[dict[str, Any]], subject: UUID, read: Read) -> dict[str, Any]:
    try:
        event = await asyncio.wait_for(queue.get(), timeout=KEEP_ALIVE_SECONDS)
    except TimeoutError:
        return {"state": "waiting"}
    return await _present(subject, read) if event.get("again") else event


async def _present(subject: UUID, read: Read) -> dict[str, Any]:
    # In a thread that others use too: a stream has none of its own while it waits.
    return await sync_to_async(_read_state, thread_sensitive=False)(subject, read)


def _read_state(subject: UUID, read: Read) -> dict[str, Any]:
    try:
        return read(subject)
    finally:
        close_old_connections()  # a stream stays open for minutes and must not keep one of the pool's


def _encoded(event: dict[str, Any]) -> bytes:
    if event["state"] == "waiting":
        return b": waiting\n\n"
    name = "step" if "step" in event and event["state"] in WORKING else event["state"]
    return f"event: {name}\ndata: {json.dumps(event)}\n\n".encode()
