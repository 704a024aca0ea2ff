"""Asking a machine that the operator named: whoever answers drop by drop, or stands in between, is cut off."""

from __future__ import annotations

import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException

import pytest

from provenance.asking import ask, bounded

SECONDS = 0.6
MOST_SECONDS = 15
"""Far more than a request may take, and far less than a dripping one would."""


@contextmanager
def dripping(first: bytes) -> Iterator[str]:
    """Run a server that says something and then one header after another, for as long as it is listened to."""
    ended = threading.Event()

    def drip(server: socket.socket) -> None:
        connected, _ = server.accept()
        with connected:
            connected.recv(4096)
            try:
                connected.sendall(first)
                while not ended.wait(0.1):
                    connected.sendall(b"x")
            except OSError:
                pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            thread.join(MOST_SECONDS)


def answered(url: str) -> BaseException | bytes | None:
    """Return what asking gives or raises; None where it goes on for ever."""
    told: list[BaseException | bytes] = []

    def run() -> None:
        try:
            with ask(urllib.request.Request(url), seconds=SECONDS) as answer:
                told.append(bounded(answer, most=10_000))
        except (OSError, HTTPException) as error:
            told.append(error)

    asking = threading.Thread(target=run, daemon=True)
    asking.start()
    asking.join(MOST_SECONDS)
    return told[0] if told else None


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX-One: "])
def test_a_server_that_drips_its_headers_is_cut_off(first: bytes) -> None:
    with dripping(first) as address:
        assert answered(f"http://{address}/") is not None


def test_an_answer_that_drips_ends_where_it_is_cut_off() -> None:
    with dripping(b"HTTP/1.1 200 OK\r\n\r\n") as address:
        body = answered(f"http://{address}/")
        assert isinstance(body, bytes) and 0 < len(body) < 1_000


def test_a_proxy_that_drips_on_the_way_to_a_secure_server_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with dripping(b"HTTP/1.1 200 OK\r\nX-One: ") as address:
        monkeypatch.setenv("https_proxy", f"http://{address}")
        monkeypatch.delenv("no_proxy", raising=False)
        assert isinstance(answered("https://authority.example/"), OSError | HTTPException)
