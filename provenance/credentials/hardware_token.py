"""A key in a PKCS#11 token (a hardware security module, a smart card, SoftHSM): it signs there and never leaves.

PKCS#11 3.1. Needs the package python-pkcs11, which is loaded only where a token is configured.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provenance.credentials.cose import PSS_SALT_BYTES
from provenance.credentials.profile import ProfileFault
from provenance.credentials.signing import unfit

_HASH_OF_CURVE = {
    bytes.fromhex("06082a8648ce3d030107"): "sha256",  # P-256, as DER names it
    bytes.fromhex("06052b81040022"): "sha384",
    bytes.fromhex("06052b81040023"): "sha512",
}
_libraries: dict[str, int] = {}
"""Which process loaded which token library: after a fork the child has to begin anew."""
_NOBODY = 0
_refused: set[tuple[str, str, str]] = set()
"""Libraries, tokens and PINs that they refused: asked a few times more, many a token locks itself for good."""
_lock = threading.Lock()


@dataclass
class HardwareToken:
    """One private key in one token; its session is opened by the process that signs, when it first signs."""

    library: Path
    token: str
    key: str
    pin: str = field(repr=False)
    belongs: Callable[[bytes, bytes], bool] = field(default=lambda signature, message: True, repr=False)
    """Says of a signature and its message whether the certificate's key made it: finds the right one of several."""
    _opened: tuple[int, Any, Any] | None = field(default=None, repr=False)

    def sign(self, message: bytes) -> bytes:
        """Return the token's signature of a message; a session that was lost is opened again, once.

        Raises python-pkcs11's own errors: no such token or key, a wrong PIN, a token that was removed.
        """
        import pkcs11

        lost = (pkcs11.SessionHandleInvalid, pkcs11.SessionClosed, pkcs11.KeyHandleInvalid, pkcs11.UserNotLoggedIn)
        with _lock:  # a session does one thing at a time
            try:
                return self._signature(message)
            except lost:
                self._close()
                return self._signature(message)
            except pkcs11.PKCS11Error as error:
                self._close()  # once the token is back, a session from before may still not answer
                if isinstance(error, pkcs11.GeneralError | pkcs11.DeviceError):
                    _libraries[str(self.library)] = _NOBODY  # it may not see the token again before it begins anew
                raise

    def _signature(self, message: bytes) -> bytes:
        if self._opened is not None and self._opened[0] == os.getpid():
            return _signature(self._opened[2], message)
        session = self._session()
        is_kept = False
        try:
            # While a key is being replaced, two have the label.
            for key in _keys_named(self.key, session):
                signature = _signature(key, message)
                if is_kept := self.belongs(signature, message):
                    self._opened = (os.getpid(), session, key)
                    break
            return signature
        finally:
            if not is_kept:
                session.close()

    def _session(self) -> Any:
        import pkcs11

        asked = (str(self.library), self.token, self.pin)
        if asked in _refused:
            raise pkcs11.PinIncorrect
        try:
            return _session(_loaded(self.library).get_token(token_label=self.token), self.pin)
        except pkcs11.PinIncorrect:
            _refused.add(asked)
            raise

    def _close(self) -> None:
        if self._opened is not None:
            with contextlib.suppress(Exception):  # it is lost already
                self._opened[1].close()
        self._opened = None


def _session(token: Any, pin: str) -> Any:
    import pkcs11

    try:
        return token.open(user_pin=pin)
    except pkcs11.UserAlreadyLoggedIn:  # for another key of this token: who is logged in, is so in every session
        return token.open()


def _keys_named(label: str, session: Any) -> list[Any]:
    import pkcs11

    wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.Attribute.LABEL: label}
    found = list(session.get_objects(wanted))  # to its end: a session searches or signs
    if not found:
        raise pkcs11.NoSuchKey
    return found


def _loaded(path: Path) -> Any:
    import pkcs11

    library = pkcs11.lib(str(path))
    if _libraries.setdefault(str(path), os.getpid()) != os.getpid():
        library.reinitialize()
        _libraries[str(path)] = os.getpid()
    return library


def _signature(key: Any, message: bytes) -> bytes:
    from pkcs11 import MGF, Attribute, KeyType, Mechanism

    if key.key_type == KeyType.EC:
        # Hashed here: many tokens know ECDSA over a digest only.
        hashed = hashlib.new(_HASH_OF_CURVE[bytes(key[Attribute.EC_PARAMS])], message).digest()
        return bytes(key.sign(hashed, mechanism=Mechanism.ECDSA))
    if key.key_type == KeyType.RSA:
        scheme = (Mechanism.SHA256, MGF.SHA256, PSS_SALT_BYTES)
        return bytes(key.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS_PSS, mechanism_param=scheme))
    raise unfit([_KEY_KIND])


_KEY_KIND = ProfileFault(
    "token-key-kind",
    "A key in a token must be ECDSA or RSA; use another key, or a file for Ed25519.",
    "令牌中的密钥必须为 ECDSA 或 RSA；请更换密钥，Ed25519 请使用文件。",
)
