"""Pictures fetched from an address: only allowed ones, bounded in size, time and redirects, never from inside."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from provenance.picture import PictureTooLarge
from server.api import fetching
from server.api.fetching import UrlNotAllowed, UrlNotFetched, fetch
from tests.simulators.pictures import picture

asked: list[str] = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked.append(self.path)
        name = self.path.rsplit("/", 1)[-1]
        getattr(self, f"send_{name}", self.send_picture)()

    def send_picture(self) -> None:
        self._begin(200, **{"Content-Length": str(len(picture()))})
        self.wfile.write(picture())

    def send_gone(self) -> None:
        self._begin(404)

    def send_moved(self) -> None:
        self._begin(302, Location="/open/picture")

    def send_loop(self) -> None:
        self._begin(302, Location="/open/loop")

    def send_outside(self) -> None:
        self._begin(302, Location="/secret/picture")

    def send_short(self) -> None:
        self._begin(200, **{"Content-Length": "100"})
        self.wfile.write(b"only this")

    def send_endless(self) -> None:
        self._begin(200)
        try:
            while True:
                self.wfile.write(bytes(2**20))
        except OSError:
            pass

    def send_dripping(self) -> None:
        self._begin(200)
        try:
            for _ in range(100):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass

    def _begin(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def here() -> Iterator[str]:
    """Run a web server on this machine; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def nothing_asked() -> None:
    asked.clear()


@pytest.mark.parametrize("name", ["picture", "moved"])
def test_a_picture_below_an_allowed_address_is_fetched(here: str, name: str) -> None:
    assert fetch(f"{here}/open/{name}?size=1", allowed=[f"{here}/open"]) == picture()


@pytest.mark.parametrize(
    "place",
    ["/secret/picture", "/open/../secret/picture", "/open/%2e%2e/secret", "/opening/picture", "/picture", ""],
)
def test_what_lies_beside_an_allowed_address_is_not_asked_for(here: str, place: str) -> None:
    with pytest.raises(UrlNotAllowed):
        fetch(here + place, allowed=[f"{here}/open"])
    assert asked == []


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/open/x",
        "http://user@127.0.0.1/open/x",
        "//127.0.0.1/open",
        "x",
        "http://[",
        "http://127.0.0.1:99999/open/",
    ],
)
def test_no_other_kind_of_address_is_fetched(here: str, address: str) -> None:
    with pytest.raises(UrlNotAllowed):
        fetch(address, allowed=[f"{here}/open"])
    with pytest.raises(UrlNotAllowed):
        fetch(f"{here}/open/picture", allowed=[])


def test_a_redirect_that_leaves_what_is_allowed_is_not_followed(here: str) -> None:
    with pytest.raises(UrlNotAllowed):
        fetch(f"{here}/open/outside", allowed=[f"{here}/open"])
    assert asked == ["/open/outside"]


@pytest.mark.parametrize("found", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00::1"])
def test_a_name_that_leads_inside_a_network_is_not_asked(monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    family = socket.AF_INET6 if ":" in found else socket.AF_INET
    monkeypatch.setattr(fetching.socket, "getaddrinfo", lambda *_, **__: [(family, 1, 6, "", (found, 80))])
    monkeypatch.setattr(fetching.socket, "create_connection", lambda *_, **__: pytest.fail("connected"))
    with pytest.raises(UrlNotAllowed):
        fetch("http://pictures.example/x", allowed=["http://pictures.example"])


@pytest.mark.parametrize("name", ["gone", "loop", "short"])
def test_what_cannot_be_fetched_is_said_so_in_one_sentence(here: str, name: str) -> None:
    with pytest.raises(UrlNotFetched):
        fetch(f"{here}/open/{name}", allowed=[f"{here}/open"])
    assert len(asked) <= 1 + fetching.MOST_REDIRECTS


def test_an_endless_answer_is_cut_off(here: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "LARGEST_FILE", 3 * 2**20)
    with pytest.raises(PictureTooLarge):
        fetch(f"{here}/open/endless", allowed=[f"{here}/open"])


def test_a_server_that_sends_a_byte_now_and_then_is_hung_up_on(here: str) -> None:
    with pytest.raises(UrlNotFetched):
        fetch(f"{here}/open/dripping", allowed=[f"{here}/open"], seconds=0.4)
