"""Inclusion proofs in a log of ten million entries: tiles written synthetically, read from disk for every proof."""

from __future__ import annotations

import hashlib
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from provenance.audit_log.tiles import HEIGHT, WIDTH, TileReader, tile_path, tiles_of
from provenance.audit_log.tree import HASH_BYTES, inclusion_proof, root_at, verify_inclusion

ENTRIES, PROOFS = int(os.environ.get("BENCH_LOG_ENTRIES", "10000000")), 500


def measured() -> list[tuple[str, str, str]]:
    """Return how long a proof takes, root and check included, each from a reader that has read nothing before."""
    with tempfile.TemporaryDirectory(prefix="colophon-bench-proofs-") as folder:
        began = time.perf_counter()
        _write_tree(Path(folder), size=ENTRIES)
        built = time.perf_counter() - began
        times = sorted(_proved(Path(folder), index) for index in random.Random(7).sample(range(ENTRIES), PROOFS))
    p50, p99 = statistics.median(times), times[int(len(times) * 0.99)]
    return [
        (
            f"log: inclusion proof at {ENTRIES:,} entries, p50 / p99",
            f"{p50:.2f} / {p99:.2f} ms",
            f"<= 5 ms (tree written in {built:.0f} s)",
        )
    ]


def _proved(folder: Path, index: int) -> float:
    """Return the milliseconds of one proof that verifies."""
    began = time.perf_counter()
    reader = TileReader(lambda path: (folder / path).read_bytes(), size=ENTRIES)
    hashes, root = inclusion_proof(index, ENTRIES, reader.read_hash), root_at(ENTRIES, reader.read_hash)
    took = 1000 * (time.perf_counter() - began)
    leaf = reader.read_hash(0, index)
    assert verify_inclusion(leaf, index=index, size=ENTRIES, proof=hashes, root=root)
    return took


def _write_tree(folder: Path, *, size: int) -> None:
    """Write the hash tiles of a tree over random leaf hashes, level by level."""
    level, row = 0, os.urandom(size * HASH_BYTES)
    while size >> (HEIGHT * level):
        above = bytearray()
        for index, width in tiles_of(size, level=level):
            data = row[index * WIDTH * HASH_BYTES : (index * WIDTH + width) * HASH_BYTES]
            path = folder / tile_path(level, index, width)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            if width == WIDTH:
                above += _root(data)
        level, row = level + 1, bytes(above)


def _root(data: bytes) -> bytes:
    """Return the root over one full tile."""
    sha256 = hashlib.sha256
    hashes = [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
    while len(hashes) > 1:
        hashes = [sha256(b"\1" + hashes[at] + hashes[at + 1]).digest() for at in range(0, len(hashes), 2)]
    return hashes[0]
