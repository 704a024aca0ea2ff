"""The ASGI application."""

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

import django

import server.celery  # noqa: F401  wake-ups leave through this application's broker
from server.one_thread import OneThread, Receive, Send
from server.problems import Message, refusal
from server.withheld import log_what_python_would_print

LARGEST_BODY = 65 * 2**20
"""The largest picture that is read, and room for the form around it."""
LINGER_SECONDS = 20
"""So long what is too much is read and dropped; most callers have sent all of it by then."""

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
django.setup(set_prefix=False)

from server.api.errors import BodyTooLarge, status_of  # noqa: E402  models are loaded only now


class BoundedBody:
    """Refuses bodies over a limit before Django spools them to disk, declared or not."""

    def __init__(self, app: Callable[..., Awaitable[None]], *, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer 413 for a body that declares too much, and for one that turns out so unless it is answered already."""
        declared = dict(scope.get("headers", ())).get(b"content-length", b"0")
        if scope["type"] == "http" and (not declared.isdigit() or int(declared[:19]) > self.limit):
            await self._refuse(scope, receive, send)
            return
        read, answered = 0, False

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            return message if read <= self.limit else {"type": "http.disconnect"}

        async def noticed(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        await self.app(scope, bounded, noticed)
        if read > self.limit and not answered:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Message, receive: Receive, send: Send) -> None:
        """Say what is too much, and read on for a while: whoever is cut off while sending does not see an answer."""
        fault = BodyTooLarge(megabytes=self.limit // 2**20)
        start, body = refusal(scope, fault, status=status_of(fault))
        await send(start)
        await send({**body, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while (await receive()).get("more_body"):
                    pass
        await send({"type": "http.response.body", "body": b""})


def _end_with_parent() -> None:
    """End as soon as the process that shares its port with this one is gone, so that the next one can have the port."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


_end_with_parent()
log_what_python_would_print()
application = BoundedBody(OneThread(), limit=LARGEST_BODY)
