"""The site's own ASGI application, with addresses beside it that break aloud where no view, and no Django, is asked."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from importlib import import_module
from io import BytesIO

from PIL import Image

from provenance.picture import decode_picture
from server.asgi import application as site
from server.one_thread import Receive, Send
from server.problems import Message
from tests.simulators.secrets import PROMPT


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Break in the way that the address names, or answer as the site does."""
    if scope["type"] != "http" or not scope["path"].startswith("/aloud/"):
        await site(scope, receive, send)
        return
    way = scope["path"].removeprefix("/aloud/")
    if way == "raise":
        broken()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    if way == "midway":
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        broken()
    _break(way)
    await asyncio.sleep(0.05)
    await send({"type": "http.response.body", "body": b"done"})


def broken(*_: object) -> None:
    """Raise what quotes the prompt, from a cause that quotes it too."""
    try:
        raise KeyError(PROMPT)
    except KeyError as error:
        raise ValueError(f"cannot read {PROMPT!r}") from error


def _break(way: str) -> None:
    loop = asyncio.get_running_loop()
    if way == "task":
        loop.create_task(_broken())  # noqa: RUF006  nobody awaits it: that is what breaks here
    elif way == "future":
        loop.run_in_executor(None, broken)
    elif way == "callback":
        loop.call_soon(broken, PROMPT)
    elif way == "thread":
        threading.Thread(target=broken).start()
    elif way == "left-over":
        _LeftOver()
    elif way == "wrongly-logged":
        logging.getLogger("tokenizers.of.others").error("no token: %d", PROMPT)
    elif way in ("quoted", "over"):
        try:
            broken()
        except ValueError as error:
            if way == "over":
                sys.excepthook(type(error), error, error.__traceback__)  # as Python would, of the main thread
            else:
                logging.getLogger("django.security.others").error(f"refused: {error}", exc_info=error)
    elif way == "loguru":
        _by_loguru()
    elif way == "picture":
        decode_picture(_a_picture_that_says(PROMPT))


def _by_loguru() -> None:
    log = import_module("loguru").logger
    prompt = PROMPT  # its own sink would show this variable
    try:
        broken(prompt)
    except ValueError as error:
        log.exception("refused: {}", error)


async def _broken() -> None:
    broken()


class _LeftOver:
    """Something that cannot even be thrown away in silence."""

    def __del__(self) -> None:
        broken()


def _a_picture_that_says(words: str) -> bytes:
    """Return a JPEG whose EXIF data have a description."""
    exif = Image.Exif()
    exif[0x010E] = words
    buffer = BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()
