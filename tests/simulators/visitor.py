"""A program that uses a running Colophon over HTTP as an artist does: signs in, asks, waits, downloads."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from tests.running import Colophon, wait_until

SMALL = {"width": 64, "height": 64}
ENDED = {"done", "refused", "failed", "cancelled"}


class Visitor:
    """The first artist of a running Colophon."""

    def __init__(self, colophon: Colophon) -> None:
        self._colophon = colophon
        self._token = ""

    def ask(self, prompt: str = "a red cat", **more: Any) -> str:
        """Ask for pictures and return the generation's id."""
        return str(self.call("/api/v1/generations", {"prompt": prompt, "steps": 3, **SMALL, **more})["id"])

    def record(self, generation: str) -> dict[str, Any]:
        """Return what the site says of a generation now."""
        return dict(self.call(f"/api/v1/generations/{generation}"))

    def ended(self, generation: str) -> dict[str, Any]:
        """Wait for a generation's end and return its record."""
        record: dict[str, Any] = {}

        def has_ended() -> bool:
            record.update(self.record(generation))
            return record["state"] in ENDED

        wait_until(has_ended, what=f"the end of a generation\n{self._colophon.logs()}")
        return record

    def at_step(self, generation: str, number: int) -> dict[str, Any]:
        """Wait until a generation has come so far and return its record."""
        return wait_until(lambda: self._has_come(generation, number), what=f"step {number}")

    def _has_come(self, generation: str, number: int) -> dict[str, Any]:
        record = self.record(generation)
        assert record["state"] not in ENDED, record["state"]
        return record if record["progress"]["step"] >= number else {}

    def events(self, generation: str, *, of: str = "generations") -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the name and the data of each server-sent event, until the stream ends."""
        name = ""
        with self._opened(f"/api/v1/{of}/{generation}/events") as stream:
            for line in stream:
                text = line.decode().rstrip("\n")
                if text.startswith("event: "):
                    name = text.removeprefix("event: ")
                elif text.startswith("data: "):
                    yield name, json.loads(text.removeprefix("data: "))

    def download(self, path: str) -> bytes:
        """Return the bytes at an address."""
        with self._opened(path) as answer:
            return bytes(answer.read())

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the API and return what it answers; failures of the site itself are raised as OSError."""
        with self._opened(path, body) as answer:
            return json.loads(answer.read())

    def _opened(self, path: str, body: dict[str, Any] | None = None) -> Any:
        if not self._token:
            self._token = self._signed_in()
        return self._open(path, body, {"Authorization": f"Bearer {self._token}"})

    def _open(self, path: str, body: dict[str, Any] | None, headers: dict[str, str]) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._colophon.address + path, data=data, headers={"Content-Type": "application/json", **headers}
        )
        try:
            return urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            with contextlib.closing(error):
                raise OSError(f"{error.code}: {error.read().decode(errors='replace')[:500]}") from error

    def _signed_in(self) -> str:
        lines = (self._colophon.home / "accounts.txt").read_text().splitlines()
        password = next(line.split()[1] for line in lines if line.startswith("artist"))
        body = {"account": "artist", "password": password, "name": "tests"}
        with self._open("/api/v1/me/tokens", body, {}) as answer:
            return str(json.loads(answer.read())["secret"])
