"""One statement of the log: its leaf, its commitment, and the details that open it.

Leaf (RFC 8785): ``{"at", "commitment", "id", "kind", "v"}``.
Commitment: SHA-256 of a 32-byte salt followed by the canonical JSON of the details.
Leaf hash: SHA-256 of ``0x00`` followed by the leaf (RFC 9162, 2.1.1).
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from provenance.actor import Actor
from provenance.canonical import Digest, canonical_json, timestamp
from provenance.errors import ProvenanceError

VERSION = 1
LARGEST_DETAILS = 65_535
"""Bytes of the canonical details: what an entry bundle can carry beside its salt."""


class EntryTooLarge(ProvenanceError):
    """A statement has more details than an entry can carry."""

    code = "entry-too-large"
    en = "This statement has {size} bytes of details; an entry carries at most 65,535. Say less in it."
    zh = "该声明的细节有 {size} 字节；一条日志最多 65,535 字节。请精简内容。"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A change of state, told to the log; each kind is a subclass named for what happened."""

    actor: Actor

    @classmethod
    def kind(cls) -> str:
        """Return the name under which this kind stands in leaves."""
        return cls.__name__

    def details(self) -> dict[str, Any]:
        """Return what the commitment covers, as JSON values."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}


def _plain(value: Any) -> Any:
    if isinstance(value, Actor):
        return value.as_json()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True)
class Leaf:
    """What the public log shows of one statement."""

    id: UUID
    kind: str
    at: datetime
    commitment: Digest

    def encoded(self) -> bytes:
        """Return the leaf's canonical bytes."""
        return canonical_json(
            {
                "v": VERSION,
                "id": str(self.id),
                "kind": self.kind,
                "at": timestamp(self.at),
                "commitment": self.commitment,
            }
        )

    def hash(self) -> Digest:
        """Return the RFC 9162 leaf hash."""
        return "sha256:" + hashlib.sha256(b"\0" + self.encoded()).hexdigest()


def commitment_to(details: Mapping[str, Any], *, salt: bytes) -> Digest:
    """Return the commitment to some details under a 32-byte salt.

    Raises EntryTooLarge for details over 65,535 canonical bytes.
    """
    encoded = canonical_json(details)
    if len(encoded) > LARGEST_DETAILS:
        raise EntryTooLarge(size=len(encoded))
    return "sha256:" + hashlib.sha256(salt + encoded).hexdigest()
