"""A timestamp authority (RFC 3161), asked again when it fails and left alone for a while when it stays silent."""

from __future__ import annotations

import hashlib
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import TypeVar
from urllib.error import HTTPError
from urllib.parse import urlsplit

from provenance.asking import ask, bounded
from provenance.credentials.errors import SigningFailed

ATTEMPTS = 2
PAUSE_SECONDS = 0.5
REST_SECONDS = 300.0
"""A picture must not wait for an authority that is down."""
SECONDS_TO_ANSWER = 15.0
LARGEST_ANSWER = 64 * 2**10
LATEST_TOKENS = 8
"""How many tokens tell how long the next may be: one odd answer is forgotten again."""
_SHA256 = bytes.fromhex("300d06096086480165030402010500")  # AlgorithmIdentifier, in DER
_INTEGER, _BOOLEAN, _BYTES, _SEQUENCE = 0x02, 0x01, 0x04, 0x30
_GRANTED = {0, 1}

_Answer = TypeVar("_Answer")


@dataclass
class TimestampAuthority:
    """Where timestamps come from, as one process knows it."""

    url: str
    attempts: int = ATTEMPTS
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _rests_until: float = field(default=float("-inf"), repr=False)
    _lengths: deque[int] = field(default_factory=lambda: deque(maxlen=LATEST_TOKENS), repr=False)
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

    def token(self, message: bytes) -> bytes:
        """Return the authority's token that a message existed, a CMS SignedData (RFC 3161, 2.4.2).

        Raises SigningFailed where there is none. Whether it fits the message is seen when the finished file is read.
        """
        question = urllib.request.Request(
            self.url, data=_question(message), headers={"Content-Type": "application/timestamp-query"}
        )
        try:
            with ask(question, seconds=SECONDS_TO_ANSWER) as answer:
                token = _token_in(bounded(answer, most=LARGEST_ANSWER))
        except (OSError, ValueError, HTTPException) as error:
            if isinstance(error, HTTPError):
                error.close()
            raise SigningFailed(reason=f"no timestamp: {type(error).__name__}") from error
        with self._lock:
            self._lengths.append(len(token))
        return token

    def token_bytes(self) -> int:
        """Return how long the authority's latest tokens were at most; asks for one where this process has seen none."""
        with self._lock:
            longest = max(self._lengths, default=0)
        return longest or len(self.token(b""))


def _question(message: bytes) -> bytes:
    """Return a request for a token with the authority's certificate in it (RFC 3161, 2.4.1).

    Without a nonce: what is hashed is a signature that was made a moment ago.
    """
    imprint = _der(_SEQUENCE, _SHA256 + _der(_BYTES, hashlib.sha256(message).digest()))
    return _der(_SEQUENCE, _der(_INTEGER, b"\x01") + imprint + _der(_BOOLEAN, b"\xff"))


def _token_in(answer: bytes) -> bytes:
    """Return the token of an answer that grants one, and nothing after it; raise ValueError for any other."""
    status_and_token, _ = _opened(answer)
    status, granted = _opened(status_and_token)
    number, _ = _opened(status)
    if int.from_bytes(number) not in _GRANTED or not granted or granted[0] != _SEQUENCE:
        raise ValueError("the authority refuses")
    _, behind = _opened(granted)
    return granted[: len(granted) - len(behind)]


def _der(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content  # nothing that is asked is longer than 127 bytes


def _opened(data: bytes) -> tuple[bytes, bytes]:
    """Return the content of the first value in DER, and what comes after it."""
    if len(data) < 2:
        raise ValueError("the answer ends too soon")
    start, length = 2, data[1]
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start])
    if len(data) < start + length:
        raise ValueError("the answer ends too soon")
    return data[start : start + length], data[start + length :]
