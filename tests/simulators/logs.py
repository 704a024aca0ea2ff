"""Logs of any size in memory: leaves as Colophon writes them, their tiles, a key, signed checkpoints."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provenance.audit_log.entry import Leaf, commitment_to
from provenance.audit_log.note import Checkpoint, Cosigner, Ed25519NoteSigner, sign_note
from provenance.audit_log.tiles import TileReader, new_tiles
from provenance.audit_log.tree import root_at

ORIGIN = "colophon.example/log"
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def private_key(seed: str) -> Ed25519PrivateKey:
    """Return the same key for the same seed."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())


def a_signer(seed: str = "log", *, name: str = ORIGIN) -> Ed25519NoteSigner:
    """Return a log's signer."""
    return Ed25519NoteSigner(name, private_key(seed))


def a_witness(seed: str = "witness", *, name: str = "witness.example/one") -> Cosigner:
    """Return a witness."""
    return Cosigner(name, private_key(seed))


def an_opening(index: int) -> dict[str, Any]:
    """Return what opens entry ``index``: salt and details, with everything that JSON has."""
    details = {
        "actor": None,
        "number": index,
        "note": f"落款 {index} \u20ac\u0007",
        "share": index / 7,
        "of": [True, {"z": 1, "é": 2}],
    }
    return {
        "index": index,
        "id": str(UUID(int=index + 2**80, version=4)),
        "salt": hashlib.sha256(b"salt %d" % index).hexdigest(),
        "details": details,
    }


@functools.cache
def a_leaf(index: int) -> bytes:
    """Return the leaf that ``an_opening`` opens."""
    opening = an_opening(index)
    return Leaf(
        id=UUID(opening["id"]),
        kind="PigmentGround",
        at=BEGAN + timedelta(seconds=index),
        commitment=commitment_to(opening["details"], salt=bytes.fromhex(opening["salt"])),
    ).encoded()


@dataclass
class SimulatedLog:
    """A log's files and entries; grown, signed and tampered with as a test likes."""

    signer: Ed25519NoteSigner = field(default_factory=a_signer)
    entries: list[bytes] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str, most: int = 2**40) -> bytes:
        """Return a file's bytes."""
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path][: most + 1]

    def grow(self, entries: Iterable[bytes]) -> SimulatedLog:
        """Append entries, write their files and sign a checkpoint."""
        added = list(entries)
        self.files.update(new_tiles(len(self.entries), entries=added, read=self.read))
        self.entries += added
        self.files["checkpoint"] = self.checkpoint().encode()
        return self

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first ``size`` entries, or of all."""
        every = len(self.entries)
        return root_at(every if size is None else size, TileReader(self.read, size=every).read_hash)

    def head(self, size: int | None = None) -> Checkpoint:
        """Return the tree head of the first ``size`` entries, or of all."""
        return Checkpoint(self.signer.name, len(self.entries) if size is None else size, self.root(size))

    def checkpoint(self, size: int | None = None) -> str:
        """Return a signed checkpoint."""
        return sign_note(self.head(size).text(), [self.signer])

    def write(self, folder: Path) -> Path:
        """Write all files into a folder."""
        for path, data in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder


def a_log(size: int, *, steps: Sequence[int] = ()) -> SimulatedLog:
    """Return a log of so many leaves, grown in steps that end at the given sizes."""
    log = SimulatedLog()
    for end in (*steps, size):
        log.grow(a_leaf(index) for index in range(len(log.entries), end))
    return log


def jsonl(values: Iterable[Any]) -> bytes:
    """Return values as lines of JSON."""
    return b"".join(json.dumps(value, ensure_ascii=False).encode() + b"\n" for value in values)
