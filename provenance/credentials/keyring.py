"""The key in force while files are replaced under a running server: a new one is taken up, a bad one never is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from provenance.credentials.errors import KeyUnfit
from provenance.credentials.profile import ProfileFault
from provenance.credentials.signing import SigningKey, certificates_in, unfit

_log = logging.getLogger(__name__)
Seen = tuple[int, int, int, int]
"""What tells one state of a file from another."""
BETWEEN_TRIES = timedelta(seconds=10)
"""A verification, which a stranger may ask for, has a token or service asked no more often than this."""


@dataclass
class Keyring:
    """A configured key, loaded again whenever one of its files changes.

    Chain and key are two things, which nobody can replace in one instant: while they do not fit together, the key
    that was in force goes on signing.
    """

    load: Callable[[datetime], SigningKey]
    files: tuple[Path, ...]
    try_out: Callable[[SigningKey], None] = lambda key: None
    """Raises where a key that is no file does not sign for its chain, or not yet."""
    _seen: tuple[Seen, ...] = field(default=(), repr=False)
    _named: tuple[Seen, ...] = field(default=(), repr=False)
    """The files of which the log says already that they are not taken up."""
    _tried_at: datetime | None = field(default=None, repr=False)
    _key: SigningKey | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def current(self, *, now: datetime, is_to_sign: bool = True) -> SigningKey:
        """Return the key that signs now; raise KeyUnfit, a sentence for each fault, where there is none that may.

        One that did not sign a moment ago is tried again only where somebody signs with it.
        """
        with self._lock:
            found = tuple(seen(path) for path in self.files)
            is_waiting = not is_to_sign and found == self._named and self._was_tried(now)
            if self._key is None or (found != self._seen and not is_waiting):
                self._take_up(now, found)
            assert self._key is not None
            _require_in_force(self._key, now)
            return self._key

    def _take_up(self, now: datetime, found: tuple[Seen, ...]) -> None:
        try:
            taken = self.load(now)
            if self._key is not None and not self._signs(taken, found, now):
                return  # not seen: it is tried with every picture until it signs
            self._seen = found
        except (KeyUnfit, OSError, UnicodeDecodeError) as error:
            if self._key is None:
                raise
            _log.warning("signing key kept, the new one cannot be used: %s", error)
            self._seen = found
            return
        if self._key is not None and taken.key_id != self._key.key_id:
            _log.info("signing key %s follows %s", taken.key_id, self._key.key_id)
        self._key = taken

    def _signs(self, taken: SigningKey, found: tuple[Seen, ...], now: datetime) -> bool:
        try:
            self.try_out(taken)
        except Exception as error:  # a key service raises what it likes, and its words may hold secrets
            if self._named != found:
                why = error if isinstance(error, KeyUnfit) else type(error).__name__
                _log.warning("signing key kept, the new one does not sign yet: %s", why)
            self._named, self._tried_at = found, now
            return False
        return True

    def _was_tried(self, now: datetime) -> bool:
        return self._tried_at is not None and now < self._tried_at + BETWEEN_TRIES


def seen(path: Path) -> Seen:
    """Return what changes when a file is replaced; all zeros where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:  # between the removal of the old file and the new one's arrival
        return (0, 0, 0, 0)
    # With the time of a change of mode: a key file mended by chmod is looked at again.
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _require_in_force(key: SigningKey, now: datetime) -> None:
    ends = min(one.not_valid_after_utc for one in certificates_in(key.certificates_pem))
    if now > ends:
        raise unfit(
            [
                ProfileFault(
                    "expired",
                    f"The certificate ended on {ends:%Y-%m-%d}; install a new one, no restart is needed.",
                    f"证书已于 {ends:%Y-%m-%d} 到期；请安装新证书，无需重启。",
                )
            ]
        )
