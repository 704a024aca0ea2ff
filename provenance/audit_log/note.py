"""Signed notes (C2SP signed-note), checkpoints (tlog-checkpoint) and witnesses' cosignatures (tlog-cosignature).

A note is text that ends in a newline, an empty line, and signature lines::

    — <name> base64(4-byte key id || signature)

Key id: the first four bytes of SHA-256(name || 0x0A || algorithm || public key). Algorithm 0x01 signs the text with
Ed25519; 0x04 (cosignature/v1) signs ``cosignature/v1\\ntime <seconds>\\n`` and the text, its signature being the time
as uint64, big-endian, and the Ed25519 signature. Verifier key: ``name+hex(key id)+base64(algorithm || public key)``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from provenance.audit_log.errors import (
    CheckpointMalformed,
    KeyMalformed,
    NoteForged,
    NoteMalformed,
    NoteNotSigned,
)

ED25519 = 0x01
COSIGNATURE = 0x04
LARGEST_NOTE = 1_000_000
MOST_SIGNATURES = 100
_LARGEST_TIME = 2**63 - 1
_DASH = "\u2014 "


# ---- keys ----------------------------------------------------------------------------------------------------


class Signer(Protocol):
    """Something that signs the text of notes under a name."""

    @property
    def name(self) -> str:
        """Return the name in the signature line."""
        ...

    @property
    def key_id(self) -> bytes:
        """Return the four bytes that tell the key from others of the same name."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a note's text, without the key id."""
        ...


def key_id_of(name: str, *, algorithm: int, public: bytes) -> bytes:
    """Return the four bytes that identify a key under its name."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:4]


@dataclass(frozen=True)
class VerifierKey:
    """A public key under a name, as told out of band."""

    name: str
    algorithm: int
    public: bytes

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise KeyMalformed(
                reason_en="the name is empty or has spaces or a plus", reason_zh="名称为空或含空格、加号"
            )
        if self.algorithm not in (ED25519, COSIGNATURE) or len(self.public) != 32:
            raise KeyMalformed(reason_en="the algorithm is unknown", reason_zh="算法未知")

    @classmethod
    def parse(cls, vkey: str) -> VerifierKey:
        """Return the key that a text names; raises KeyMalformed, also where its id is not its own."""
        name, _, rest = vkey.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        key = from_base64(encoded)
        if key is None or len(key) != 33:
            raise KeyMalformed(
                reason_en="its parts are not name, id and base64", reason_zh="其组成不是名称、编号和 base64"
            )
        found = cls(name=name, algorithm=key[0], public=key[1:])
        if key_id.lower() != found.key_id.hex():
            raise KeyMalformed(reason_en="its id is not that of its key", reason_zh="编号与密钥不符")
        return found

    @property
    def key_id(self) -> bytes:
        """Return the four bytes that tell the key from others of the same name."""
        return key_id_of(self.name, algorithm=self.algorithm, public=self.public)

    @property
    def vkey(self) -> str:
        """Return the text form."""
        encoded = base64.b64encode(bytes([self.algorithm]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @property
    def is_witness(self) -> bool:
        """Say whether the key makes cosignatures."""
        return self.algorithm == COSIGNATURE

    def verifies(self, signature: bytes, text: bytes) -> bool:
        """Say whether a signature, without the key id, is this key's over a note's text."""
        if self.algorithm == COSIGNATURE:
            seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            if seconds > _LARGEST_TIME:
                return False
            text = _cosigned(text, seconds)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


class Ed25519NoteSigner:
    """Signs notes with an Ed25519 key."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self.verifier = VerifierKey(name, ED25519, private_key.public_key().public_bytes_raw())
        self.name, self.key_id, self.vkey = name, self.verifier.key_id, self.verifier.vkey
        self._private_key = private_key

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of a note's text."""
        return self._private_key.sign(message)


class Cosigner:
    """Signs other logs' checkpoints as a witness, at a time that the caller tells."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self.verifier = VerifierKey(name, COSIGNATURE, private_key.public_key().public_bytes_raw())
        self.name, self.key_id, self.vkey = name, self.verifier.key_id, self.verifier.vkey
        self._private_key = private_key

    def cosign(self, text: str, *, at: datetime) -> str:
        """Return the signature line over a checkpoint's text."""
        seconds = int(at.timestamp())
        signature = self._private_key.sign(_cosigned(text.encode(), seconds))
        return signature_line(self.name, self.key_id, seconds.to_bytes(8, "big") + signature)


def _cosigned(text: bytes, seconds: int) -> bytes:
    return b"cosignature/v1\ntime %d\n%b" % (seconds, text)


def is_name(name: str) -> bool:
    """Say whether a key or log may have this name."""
    return bool(name) and "+" not in name and not any(c.isspace() or ord(c) < 32 or ord(c) == 127 for c in name)


# ---- notes ---------------------------------------------------------------------------------------------------


class Signature(NamedTuple):
    """One signature line of a note, not verified."""

    name: str
    key_id: bytes
    signature: bytes


class Opened(NamedTuple):
    """A note's text and the names of the given keys that signed it."""

    text: str
    names: tuple[str, ...]


def sign_note(text: str, signers: Iterable[Signer]) -> str:
    """Return a note: the text, an empty line, and one line for each signer."""
    _require_text(text)
    lines = [signature_line(each.name, each.key_id, each.sign(text.encode())) for each in signers]
    if not lines:
        raise NoteMalformed(reason_en="nobody signs it", reason_zh="没有签名者")
    return text + "\n" + "".join(lines)


def signature_line(name: str, key_id: bytes, signature: bytes) -> str:
    """Return one signature line with its newline."""
    return f"{_DASH}{name} {base64.b64encode(key_id + signature).decode()}\n"


def split_note(note: str) -> tuple[str, list[Signature]]:
    """Return text and signatures of a note, nothing verified; raises NoteMalformed."""
    if len(note) > LARGEST_NOTE:
        raise NoteMalformed(reason_en="it is too long", reason_zh="文本过长")
    body, separator, tail = note.rpartition("\n\n")
    text = body + "\n"
    if not separator or not tail.endswith("\n"):
        raise NoteMalformed(reason_en="no empty line leads to signature lines", reason_zh="没有以空行引出签名行")
    _require_text(text)
    lines = tail[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteMalformed(reason_en="it has over 100 signatures", reason_zh="签名超过 100 个")
    return text, [_parsed(line) for line in lines]


def _parsed(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    data = from_base64(encoded)
    if not line.startswith(_DASH) or not is_name(name) or data is None or len(data) < 5:
        raise NoteMalformed(
            reason_en="a signature line is not dash, name and base64", reason_zh="签名行不是破折号、名称和 base64"
        )
    return Signature(name, data[:4], data[4:])


def _require_text(text: str) -> None:
    if not text.endswith("\n") or any(ord(c) < 32 and c != "\n" for c in text):
        raise NoteMalformed(
            reason_en="its text has control characters or no last newline", reason_zh="文本含控制字符或末尾没有换行"
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NoteMalformed(reason_en="it is not Unicode text", reason_zh="不是 Unicode 文本") from error


def open_note(note: str, verifiers: Iterable[VerifierKey]) -> Opened:
    """Return the text of a note and which of the given keys signed it, in the order of its lines.

    Raises NoteMalformed, NoteForged where a given key's signature does not fit, NoteNotSigned where none signed.
    """
    text, signatures = split_note(note)
    known = {(key.name, key.key_id): key for key in verifiers}
    verified: list[str] = []
    for each in signatures:
        key = known.get((each.name, each.key_id))
        if key is None:
            continue
        if not key.verifies(each.signature, text.encode()):
            raise NoteForged(name=each.name)
        verified.append(each.name)
    if not verified:
        raise NoteNotSigned(names=", ".join(each.name for each in signatures))
    return Opened(text, tuple(dict.fromkeys(verified)))


def cosigned_at(note: str, witness: VerifierKey) -> datetime | None:
    """Return the latest time at which a witness cosigned a note; None where it did not, or not this text."""
    text, signatures = split_note(note)
    times = [
        int.from_bytes(each.signature[:8], "big")
        for each in signatures
        if witness.is_witness
        and (each.name, each.key_id) == (witness.name, witness.key_id)
        and witness.verifies(each.signature, text.encode())
    ]
    try:
        return datetime.fromtimestamp(max(times), UTC) if times else None
    except (OverflowError, ValueError, OSError):
        return None


def with_signatures(note: str, lines: Sequence[str]) -> str:
    """Return a note with signature lines of witnesses added; lines that it has already are left out."""
    split_note(note)
    present = set(note.rpartition("\n\n")[2].splitlines(keepends=True))
    added = [line for line in dict.fromkeys(lines) if line not in present]
    joined = note + "".join(added)
    split_note(joined)
    return joined


# ---- checkpoints ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: which log, how many entries, and their root; other lines are kept and mean nothing here."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the text that is signed."""
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions]
        return "".join(line + "\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Return the tree head that a note's text states; raises CheckpointMalformed."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise CheckpointMalformed(reason_en="it needs three full lines or more", reason_zh="至少需要三个非空行")
        origin, size, encoded, *extensions = lines
        if not _is_count(size):
            raise CheckpointMalformed(reason_en="its second line is no size", reason_zh="第二行不是规模")
        root = from_base64(encoded)
        if root is None or len(root) != 32:
            raise CheckpointMalformed(reason_en="its third line is no root hash", reason_zh="第三行不是根哈希")
        return cls(origin, int(size), root, tuple(extensions))


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 19 and (text == "0" or text[0] != "0")


class OpenedCheckpoint(NamedTuple):
    """A checkpoint that the log signed, its note, and the witnesses among the given ones who cosigned it."""

    checkpoint: Checkpoint
    note: str
    witnesses: tuple[str, ...]


def open_checkpoint(
    note: str, *, keys: Iterable[VerifierKey], witnesses: Iterable[VerifierKey] = ()
) -> OpenedCheckpoint:
    """Return the checkpoint that one of the log's keys signed under the log's own name.

    A witness alone vouches for no checkpoint. Raises what open_note and Checkpoint.parse raise.
    """
    keys, witnesses = list(keys), list(witnesses)
    opened = open_note(note, [*keys, *witnesses])
    checkpoint = Checkpoint.parse(opened.text)
    own = open_note(note, keys)
    if checkpoint.origin not in own.names:
        raise CheckpointMalformed(
            reason_en="its first line is not the name of the key that signed it", reason_zh="首行与签名密钥的名称不符"
        )
    cosigned = tuple(key.name for key in witnesses if cosigned_at(note, key) is not None)
    return OpenedCheckpoint(checkpoint, note, cosigned)


def from_base64(text: str) -> bytes | None:
    """Return what standard base64 stands for; None for any other spelling of it."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None
