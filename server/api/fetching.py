"""Fetching a picture from an address: only where the operator allows it, bounded, and never from inside his network."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urljoin, urlsplit

from provenance.credentials.reading import LARGEST_FILE
from provenance.errors import Fault
from provenance.picture import PictureTooLarge

MOST_REDIRECTS = 3
SECONDS = 20.0
"""For everything: names, redirects, and the last byte."""
_REDIRECTS = {301, 302, 303, 307, 308}
_PIECE = 64 * 2**10
_Address = IPv4Address | IPv6Address


class UrlNotAllowed(Fault):
    """The address, or one that it redirects to, is not among those that the operator allows."""

    code = "address-not-allowed"
    en = "This server does not fetch pictures from that address. Download the picture and send the file."
    zh = "本服务器不从该地址获取图片。请下载图片后直接上传文件。"


class UrlNotFetched(Fault):
    """The address is allowed, but nothing came of it."""

    code = "address-not-fetched"
    en = "The picture could not be fetched: {reason}. Download it and send the file."
    zh = "无法获取该图片（{reason}）。请下载后直接上传文件。"


def fetch(url: str, *, allowed: Sequence[str], seconds: float = SECONDS, accept: str = "image/*") -> bytes:
    """Return the bytes at an address that begins with an allowed one, each redirect checked like the first.

    Raises UrlNotAllowed, UrlNotFetched, or PictureTooLarge for more bytes than are read.
    """
    ends_at = time.monotonic() + seconds
    for _ in range(MOST_REDIRECTS + 1):
        parts = _allowed(url, allowed)
        try:
            with _answer(parts, ends_at=ends_at, accept=accept) as answer:
                if answer.status in _REDIRECTS:
                    url = urljoin(url, answer.headers.get("Location", ""))
                    continue
                if answer.status != 200:
                    raise UrlNotFetched(reason=f"HTTP {answer.status}")
                return _read(answer, ends_at=ends_at)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = "timeout" if time.monotonic() >= ends_at else type(error).__name__
            raise UrlNotFetched(reason=reason) from error
    raise UrlNotFetched(reason=f"> {MOST_REDIRECTS} redirects")


def _allowed(url: str, allowed: Sequence[str]) -> SplitResult:
    """Return the parts of an address below an allowed one: same scheme, host and port, and a path that begins alike."""
    try:
        parts = urlsplit(url)
        here = (parts.scheme, parts.hostname, _port(parts))
    except ValueError as error:
        raise UrlNotAllowed() from error
    if parts.username is not None or parts.password is not None or "/.." in parts.path or "%2e" in parts.path.lower():
        raise UrlNotAllowed()
    for one in map(urlsplit, allowed):
        folder = one.path if one.path.endswith("/") else one.path + "/"
        if here == (one.scheme, one.hostname, _port(one)) and (parts.path or "/").startswith(folder):
            return parts
    raise UrlNotAllowed()


def _port(parts: SplitResult) -> int:
    return parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)


@contextlib.contextmanager
def _answer(parts: SplitResult, *, ends_at: float, accept: str) -> Iterator[http.client.HTTPResponse]:
    """Ask the one machine whose address was looked at: asking by name again could reach another."""
    host = parts.hostname or ""
    held = [socket.create_connection((_machine(host, _port(parts)), _port(parts)), timeout=_left(ends_at))]
    # A server that sends a byte now and then outlasts every timeout on a single read.
    watch = threading.Timer(_left(ends_at), lambda: _hang_up(held[0]))
    watch.daemon = True
    watch.start()
    try:
        if parts.scheme == "https":
            held[0] = ssl.create_default_context().wrap_socket(held[0], server_hostname=host)
        connection = http.client.HTTPConnection(host, _port(parts))
        connection.sock = held[0]
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"Accept": accept, "Accept-Encoding": "identity"})
        with contextlib.closing(connection.getresponse()) as answer:
            yield answer
    finally:
        watch.cancel()
        held[0].close()


def _machine(host: str, port: int) -> str:
    """Return the address behind a name; raise UrlNotAllowed for one inside a network, unless it is named itself."""
    with contextlib.suppress(ValueError):
        ip_address(host)
        return host  # the operator's own entry names this very machine
    found = {str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    if not found or not all(_is_public(ip_address(one)) for one in found):
        raise UrlNotAllowed()
    return min(found)


def _is_public(address: _Address) -> bool:
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (inner or address).is_global and not address.is_multicast


def _read(answer: http.client.HTTPResponse, *, ends_at: float) -> bytes:
    data = bytearray()
    while piece := answer.read1(_PIECE):
        data += piece
        if len(data) > LARGEST_FILE:
            raise PictureTooLarge(what=f"> {LARGEST_FILE // 2**20} MB")
        _left(ends_at)
    _left(ends_at)  # hung up on, it looks as if it had ended
    if answer.length:  # it hung up before it had sent what it declared
        raise UrlNotFetched(reason="it ended early")
    return bytes(data)


def _left(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
