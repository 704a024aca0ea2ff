"""Django under ASGI, each request in one thread from its beginning to its end."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections
from django.http import HttpResponseBase
from django.urls import set_script_prefix

from provenance.errors import Fault
from server.problems import Message, broken_by, refusal

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
T = TypeVar("T")
THREADS = 32
"""At most so many requests are worked on at once; the others wait with their body read."""
ALWAYS = "/health/live"
"""What is answered by threads of its own, so that it says whether the process lives and not whether it is busy."""
SECONDS_WITHOUT_A_BYTE, SECONDS_FOR_A_BODY = 30, 1800
"""How long a body may stand still, and take: what came of it lies in memory or on disk meanwhile."""


class UploadStalled(Fault):
    """A body came too slowly to be waited for."""

    code = "upload-stalled"
    en = "Your upload stood still for half a minute, or took half an hour. Send it again, over a faster connection."
    zh = "上传停滞超过半分钟，或用时超过半小时。请换用更快的网络重新发送。"


class OneThread(ASGIHandler):
    """Hands each request to one of a few threads that stay, and takes its whole answer from there.

    Django's own handler makes a thread for each request and goes there and back five times: some milliseconds, where
    our views are plain functions. Streams and files are sent by the loop, piece by piece, and end when their reader
    leaves; what a plain generator yields is written to a file first, as its cursor or transaction is that thread's.
    """

    def __init__(self) -> None:
        BaseHandler.__init__(self)  # not Django's own, which would load the middleware to run in the loop
        self.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        self._always = ThreadPoolExecutor(1, thread_name_prefix="always")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request; raises ValueError for what is none."""
        if scope["type"] != "http":
            raise ValueError(f"There is only HTTP here, no {scope['type']}.")
        patience = _Patience(receive)
        try:
            body = await self.read_body(patience.received)
        except RequestAborted:
            if patience.is_over:
                await _refuse(scope, send, UploadStalled(), status=408)
            return
        threads = self._always if scope["path"] == ALWAYS else self._threads
        try:
            response = await self._in_thread(lambda: self._answered(scope, body), threads=threads)
        except Exception as error:  # such as of a report while it is written out; the web server logs what is raised
            body.close()
            fault, status = broken_by(error)
            await _refuse(scope, send, fault, status=status)
            raise
        try:
            if response.streaming:
                await self._stream(response, receive, send)
            else:
                await self.send_response(response, send)
        finally:
            body.close()

    def _in_thread(self, work: Callable[[], T], *, threads: ThreadPoolExecutor | None = None) -> asyncio.Future[T]:
        # In a context of its own, as each request has under Django's handlers: a thread remembers nothing of the last.
        return asyncio.get_running_loop().run_in_executor(threads or self._threads, copy_context().run, work)

    def _answered(self, scope: Message, body: Any) -> HttpResponseBase:
        """Return the answer; of one that is no stream nothing is left to do but to send it."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response: HttpResponseBase = refusal if request is None else self.get_response(request)
        response._handler_class = self.__class__  # type: ignore[attr-defined]  # what closing it signals
        if response.streaming:
            _write_out(response)
            close_old_connections()  # a stream stays open for minutes and must not keep one of the pool's
        else:
            response.close()
        return response

    async def _stream(self, response: Any, receive: Receive, send: Send) -> None:
        if not response.is_async:
            response.block_size = self.chunk_size
            response.streaming_content = self._pieces(response.streaming_content)
        async with ThreadSensitiveContext():
            leaving = asyncio.ensure_future(self.listen_for_disconnect(receive))
            sending = asyncio.ensure_future(self.send_response(response, send))
            try:
                await asyncio.wait((leaving, sending), return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
                sending.cancel()
                _, fault = await asyncio.gather(leaving, sending, return_exceptions=True)
                await self._in_thread(response.close)
        if isinstance(fault, Exception):
            raise fault

    async def _pieces(self, source: Iterable[bytes]) -> AsyncIterator[bytes]:
        """Yield what a file holds, never more of it in memory than is being sent."""
        pieces = iter(source)
        while (piece := await self._in_thread(lambda: next(pieces, None))) is not None:
            yield piece


class _Patience:
    """Receives a body as long as it comes, and takes a caller whose body stands still for one who left."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self.is_over = receive, False
        self._until = asyncio.get_running_loop().time() + SECONDS_FOR_A_BODY

    async def received(self) -> Message:
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(min(self._until, now + SECONDS_WITHOUT_A_BYTE)):
                return await self._receive()
        except TimeoutError:
            self.is_over = True
            return {"type": "http.disconnect"}


async def _refuse(scope: Message, send: Send, fault: Fault, *, status: int) -> None:
    for message in refusal(scope, fault, status=status):
        await send(message)


def _write_out(response: Any) -> None:
    """Take all that a generator yields at once, in memory as far as an upload would be."""
    if response.is_async or getattr(response, "file_to_stream", None) is not None:
        return
    kept = tempfile.SpooledTemporaryFile(max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE)  # noqa: SIM115  the response closes it
    response._resource_closers.append(kept.close)
    try:
        for piece in response.streaming_content:
            kept.write(piece)
    except BaseException:
        response.close()
        raise
    kept.seek(0)
    response.streaming_content = iter(lambda: kept.read(ASGIHandler.chunk_size), b"")
