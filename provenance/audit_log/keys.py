"""The keys that sign checkpoints, in files: ``log-<key id>.pem``, Ed25519, PKCS#8, mode 0600.

Which of them signs is the database's to say (``LogKey``); a file is found by the id of its key, so that a
crash in the middle of a rotation leaves a log that still signs.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provenance.audit_log.errors import LogKeyDamaged, LogKeyMissing, LogKeyOpen
from provenance.audit_log.note import Cosigner, Ed25519NoteSigner, VerifierKey


class KeyFolder:
    """The private keys of one log."""

    def __init__(self, folder: Path, *, origin: str) -> None:
        self.folder, self.origin = Path(folder), origin

    def signers(self) -> list[Ed25519NoteSigner]:
        """Return a signer for every key in the folder; raises LogKeyDamaged for a file that is none."""
        return [Ed25519NoteSigner(self.origin, _load(path)) for path in sorted(self.folder.glob("log-*.pem"))]

    def signer_of(self, vkey: str) -> Ed25519NoteSigner:
        """Return the signer of a verifier key; raises LogKeyMissing where its file is gone."""
        for signer in self.signers():
            if signer.vkey == vkey:
                return signer
        raise LogKeyMissing(key=_id_of(vkey), folder=str(self.folder))

    def has(self, vkey: str) -> bool:
        """Say whether the private half of a verifier key is here."""
        return any(signer.vkey == vkey for signer in self.signers())

    def make(self) -> Ed25519NoteSigner:
        """Return the signer of a new key, on disk before it is returned."""
        key = Ed25519PrivateKey.generate()
        signer = Ed25519NoteSigner(self.origin, key)
        _write(self.folder / f"log-{signer.key_id.hex()}.pem", _pem(key))
        return signer

    def delete(self, vkey: str) -> None:
        """Remove the private half of a key that must never sign again."""
        for path in self.folder.glob("log-*.pem"):
            if Ed25519NoteSigner(self.origin, _load(path)).vkey == vkey:
                path.unlink()


def witness_key(folder: Path, *, name: str) -> Cosigner:
    """Return the key with which this installation cosigns other logs' checkpoints, made on first use."""
    path = Path(folder) / "witness.pem"
    if not path.exists():
        with suppress(FileExistsError):  # of two first requests at once, both cosign with the key that came first
            _write(path, _pem(Ed25519PrivateKey.generate()), replacing=False)
    return Cosigner(name, _load(path))


def write_vkey(path: Path, vkey: str) -> None:
    """Keep a public key where people look for it: one line, readable by all."""
    if not path.exists() or path.read_text() != vkey + "\n":
        _write(path, f"{vkey}\n".encode(), mode=0o644)


def _id_of(vkey: str) -> str:
    return VerifierKey.parse(vkey).key_id.hex()


def _load(path: Path) -> Ed25519PrivateKey:
    _close_to_others(path)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without its cause: a parser's message may quote what it read.
        raise LogKeyDamaged(path=str(path)) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise LogKeyDamaged(path=str(path))
    return key


def _close_to_others(path: Path) -> None:
    """Take away what others may do with a private key; a secret that is mounted as it should be is not touched."""
    if not path.stat().st_mode & 0o077:
        return
    try:
        path.chmod(0o600)
    except OSError as error:
        raise LogKeyOpen(path=str(path)) from error


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, *, mode: int = 0o600, replacing: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".draft-{uuid4().hex}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        (os.replace if replacing else os.link)(draft, path)
    finally:
        draft.unlink(missing_ok=True)
