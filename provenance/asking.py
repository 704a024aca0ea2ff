"""Asking a machine that the operator named: nothing is followed, and no answer takes longer than it may."""

from __future__ import annotations

import socket
import threading
import urllib.request
from contextlib import suppress
from http.client import HTTPConnection, HTTPSConnection
from typing import Any


def ask(request: urllib.request.Request, *, seconds: float) -> Any:
    """Return the answer to a request, to be read and closed; it is cut off so long after it was asked for.

    Raises OSError, ValueError or HTTPException, HTTPError for an answer that says no; reading it may as well.
    """
    return urllib.request.build_opener(_NoRedirects, _Http, _Https).open(request, timeout=seconds)


def bounded(answer: Any, *, most: int) -> bytes:
    """Return what an answer says, up to so many bytes."""
    found = bytearray()
    while len(found) < most and (piece := answer.read1(most - len(found))):
        found += piece
    return bytes(found)


class _CutOff(HTTPConnection):
    """Ends a while after it began: what drips, a proxy's headers too, never runs into a timeout of the socket."""

    _connected: socket.socket | None = None
    _is_over = False

    def connect(self) -> None:
        timer = threading.Timer(self.timeout or 0, self._cut)
        timer.daemon = True
        timer.start()
        super().connect()
        self._connected = self.sock  # whoever reads the answer takes it out of the connection
        if self._is_over:
            self.close()
            raise TimeoutError("the connection took too long")

    def _cut(self) -> None:
        self._is_over = True
        reached = self._connected or self.sock
        if reached is not None:
            with suppress(OSError):  # answered and closed long ago
                reached.shutdown(socket.SHUT_RDWR)


class _CutOffSecure(_CutOff, HTTPSConnection):
    """The same over TLS."""


class _Http(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_CutOff, req)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_CutOffSecure, req)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """An answer may not lead elsewhere."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Follow nothing."""
        return None
