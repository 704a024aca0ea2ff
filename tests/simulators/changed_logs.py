"""Logs with one thing changed, and what checking them finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance.audit_log.check import Asked, check_log
from provenance.audit_log.proof import make_proof
from provenance.audit_log.tiles import TileReader, entries_path, pack_entries, unpack_entries
from provenance.audit_log.tree import inclusion_proof
from tests.simulators.logs import SimulatedLog, a_log, a_signer

SIZE = 1_600
WHOLE = a_log(SIZE, steps=(1, 300))
SIX_HUNDRED = a_log(600)


def a_copy(of: SimulatedLog = WHOLE) -> SimulatedLog:
    return SimulatedLog(of.signer, list(of.entries), dict(of.files))


def findings_of(log: SimulatedLog, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = check_log(log, Asked(keys=[a_signer().verifier], **asked))["findings"]
    return list(found)


def flipped(data: bytes, at: int, change: int = 1) -> bytes:
    return data[:at] + bytes([data[at] ^ change]) + data[at + 1 :]


def flip(log: SimulatedLog, path: str, at: int) -> None:
    log.files[path] = flipped(log.files[path], at)


def with_entries(log: SimulatedLog, changed: Mapping[int, bytes]) -> SimulatedLog:
    """Return a log with other entries in its bundles, and nothing else changed."""
    for index, entry in changed.items():
        path = entries_path(index // 256, min(256, len(log.entries) - index // 256 * 256))
        entries = unpack_entries(log.files[path])
        entries[index % 256] = entry
        log.files[path] = pack_entries(entries)
    return log


def proof_of(log: SimulatedLog, index: int, size: int) -> bytes:
    reader = TileReader(log.read, size=size)
    return make_proof(
        index=index, hashes=inclusion_proof(index, size, reader.read_hash), note=log.checkpoint(size)
    ).encode()
