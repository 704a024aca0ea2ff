"""The ASGI application."""

import multiprocessing
import os
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import django

import server.celery  # noqa: F401  wake-ups leave through this application's broker
from server.one_thread import OneThread

Message = MutableMapping[str, Any]
LARGEST_BODY = 65 * 2**20
"""The largest picture that is read, and room for the form around it."""

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
django.setup(set_prefix=False)


class BoundedBody:
    """Refuses bodies over a limit before Django spools them to disk, declared or not."""

    def __init__(self, app: Callable[..., Awaitable[None]], *, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Any) -> None:
        """Answer 413 for a body that declares too much, and hang up on one that turns out so."""
        declared = dict(scope.get("headers", ())).get(b"content-length", b"0")
        if scope["type"] == "http" and (not declared.isdigit() or int(declared) > self.limit):
            await send({"type": "http.response.start", "status": 413, "headers": [(b"connection", b"close")]})
            await send({"type": "http.response.body", "body": b""})
            return
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            return message if read <= self.limit else {"type": "http.disconnect"}

        await self.app(scope, bounded, send)


def _end_with_parent() -> None:
    """End as soon as the process that shares its port with this one is gone, so that the next one can have the port."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


_end_with_parent()
application = BoundedBody(OneThread(), limit=LARGEST_BODY)
