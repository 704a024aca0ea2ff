"""Reading signed checkpoints with the standard library alone."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

from provenance.audit_log.offline.ed25519 import ed25519_verifies
from provenance.audit_log.offline.findings import Findings

MOST_LINES = 100


class Key(NamedTuple):
    """A verifier key; algorithm 1 signs a log's checkpoints, 4 cosigns them as a witness."""

    name: str
    key_id: bytes
    algorithm: int
    public: bytes


class Head(NamedTuple):
    """A checkpoint that the log's key signed, and the witnesses who cosigned it."""

    size: int
    root: bytes
    witnesses: tuple[str, ...]


def parse_key(vkey: str) -> Key:
    """Return the verifier key that a text spells; raises ValueError where it is none."""
    name, key_id, encoded = vkey.strip().split("+", 2)
    key = unbase64(encoded)
    expected = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    if not name or len(key) != 33 or key[0] not in (1, 4) or key_id.lower() != expected.hex():
        raise ValueError("not a verifier key")
    return Key(name, expected, key[0], key[1:])


def open_head(data: bytes, *, path: str, key: Key, witnesses: Sequence[Key], findings: Findings) -> Head | None:
    """Return the checkpoint that the key signed under the log's name; None, with its finding, where it did not."""
    try:
        text, lines = _split_note(data.decode())
        origin, size, encoded = text.split("\n")[:3]
        root = unbase64(encoded)
        if len(root) != 32 or not re.fullmatch(r"0|[1-9][0-9]{0,18}", size):
            raise ValueError("no size or root")
    except ValueError:
        findings.tell("checkpoint-malformed", path=path)
        return None
    signed = set()
    for name, key_id, signature in lines:
        for each in (key, *witnesses):
            if (name, key_id) == (each.name, each.key_id):
                if not _note_verifies(text, signature, each):
                    findings.tell("checkpoint-forged", path=path, name=name)
                    return None
                signed.add(each)
    if key not in signed or origin != key.name:
        findings.tell("checkpoint-unsigned", path=path, name=key.name)
        return None
    return Head(int(size), root, tuple(each.name for each in witnesses if each in signed and each.algorithm == 4))


def key_that_signed(data: bytes, keys: Sequence[Key]) -> Key:
    """Return the first of some keys whose signature a note claims to carry, or the first of all."""
    try:
        signed = {(name, key_id) for name, key_id, _ in _split_note(data.decode())[1]}
    except ValueError:
        return keys[0]
    return next((each for each in keys if (each.name, each.key_id) in signed), keys[0])


def unbase64(text: str) -> bytes:
    """Return what standard base64 stands for; raises ValueError for any other spelling of it."""
    data = base64.b64decode(text.encode("ascii"), validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("not base64")
    return data


def _note_verifies(text: str, signature: bytes, key: Key) -> bool:
    message = text.encode()
    if key.algorithm == 4:
        message = b"cosignature/v1\ntime %d\n" % int.from_bytes(signature[:8], "big") + message
        signature = signature[8:]
    return ed25519_verifies(key.public, signature, message)


def _split_note(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    body, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n") or any(ord(each) < 32 and each != "\n" for each in note):
        raise ValueError("not a note")
    signatures = []
    for line in tail[:-1].split("\n", MOST_LINES):
        dash, name, encoded = line.split(" ")
        data = unbase64(encoded)
        if dash != "\u2014" or not name or len(data) < 5:
            raise ValueError("not a signature line")
        signatures.append((name, data[:4], data[4:]))
    return body + "\n", signatures
