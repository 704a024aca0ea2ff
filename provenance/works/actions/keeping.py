"""Keeping files of works and styles."""

from __future__ import annotations

from provenance import storage
from provenance.canonical import Digest, sha256_digest


def keep(data: bytes) -> Digest:
    """Store a file so that the sweeper cannot take it before the caller's transaction has recorded it."""
    storage.hold(sha256_digest(data))
    return storage.store(data)
