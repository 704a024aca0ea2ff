"""A timestamp authority (RFC 3161), asked again when it fails and left alone for a while when it stays silent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from provenance.credentials.errors import SigningFailed

ATTEMPTS = 2
PAUSE_SECONDS = 0.5
REST_SECONDS = 300.0
"""A picture must not wait for an authority that is down: the C2PA library gives up on a silent one after 30 s."""

_Answer = TypeVar("_Answer")


@dataclass
class TimestampAuthority:
    """Where timestamps come from, as one process knows it."""

    url: str
    attempts: int = ATTEMPTS
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _rests_until: float = field(default=float("-inf"), repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def host(self) -> str:
        """Return host and port as the C2PA library's list of allowed hosts names them."""
        return urlsplit(self.url).netloc

    @property
    def is_awake(self) -> bool:
        """Say whether the authority is to be asked at all."""
        with self._lock:
            return self.clock() >= self._rests_until

    def rest(self) -> None:
        """Leave the authority alone for five minutes."""
        with self._lock:
            self._rests_until = self.clock() + REST_SECONDS

    def ask(self, sign: Callable[[str], _Answer]) -> _Answer:
        """Return what signing with this authority's address gives, tried again after a pause.

        Raises SigningFailed as the last attempt did.
        """
        for attempt in range(1, self.attempts):
            try:
                return sign(self.url)
            except SigningFailed:
                self.sleep(PAUSE_SECONDS * attempt)
        return sign(self.url)
