"""A published log, read over HTTP: bounded, patient for so long, and never led to another host."""

from __future__ import annotations

import time
import urllib.request
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

SECONDS_A_READ = 20
SECONDS_A_FILE = 120
AT_ONCE = 8
AHEAD = 32
_STEP = 2**16
_GONE = {404, 410}


class _SameHost(urllib.request.HTTPRedirectHandler):
    max_redirections = 3

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """Follow a redirection within the same host; refuse any other."""
        if _place(newurl) != _place(req.full_url):
            raise HTTPError(req.full_url, code, "redirected to another host", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


class WebLog:
    """The files under a log's address; several are fetched at once, those that were told to be next."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"not an http or https address: {url}")
        self.url = url.rstrip("/") + "/"
        self._opener = urllib.request.build_opener(_SameHost)
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._coming: dict[str, Future[bytes]] = {}
        self._next: Iterator[tuple[str, int]] = iter(())

    def expect(self, paths: Iterator[tuple[str, int]]) -> None:
        """Fetch these files, each with the most bytes that will be read of it, a few ahead of their reading."""
        self._next = paths

    def read(self, path: str, most: int) -> bytes:
        """Return at most so many bytes of a file and one more.

        Raises FileNotFoundError where the server has none, and another OSError where it cannot be asked.
        """
        while len(self._coming) < AHEAD and (following := next(self._next, None)):
            self._coming.setdefault(following[0], self._pool.submit(self._fetch, *following))
        coming = self._coming.pop(path, None)
        return self._fetch(path, most) if coming is None else coming.result()

    def close(self) -> None:
        """Stop fetching."""
        self._pool.shutdown(cancel_futures=True)

    def _fetch(self, path: str, most: int) -> bytes:
        headers = {"Accept-Encoding": "gzip, identity", "User-Agent": "colophon-log-check"}
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with self._opener.open(request, timeout=SECONDS_A_READ) as response:
                return _bounded(response, most + 1)
        except HTTPError as error:
            error.close()
            if error.code in _GONE:
                raise FileNotFoundError(path) from error
            raise OSError(f"{path}: {error.code} {error.reason}") from error
        except (HTTPException, zlib.error) as error:
            raise OSError(f"{path}: {error or type(error).__name__}") from error


def _bounded(response: Any, most: int) -> bytes:
    """Return so many bytes of an answer, unpacked; an endless or endlessly slow one is left."""
    until = time.monotonic() + SECONDS_A_FILE
    is_packed = response.headers.get("Content-Encoding", "identity").lower() == "gzip"
    unpacking = zlib.decompressobj(31) if is_packed else None
    found = bytearray()
    while len(found) < most and (piece := response.read1(_STEP)):
        found += unpacking.decompress(piece, most - len(found)) if unpacking else piece
        if time.monotonic() > until:
            raise TimeoutError(f"{response.url}: slower than {SECONDS_A_FILE} seconds")
    return bytes(found[:most])
