"""A manifest store as bytes: JUMBF boxes inside one another (ISO 19566-5); the last manifest is the active one.

A box is its length (uint32 big-endian, itself included), four letters of its type, and its contents. The store is a
box ``jumb`` that holds a description ``jumd`` and then each manifest, a ``jumb`` of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

HEADER_BYTES = 8


def active_manifest(store: bytes) -> bytes:
    """Return a store that holds the active manifest of another store and no other; raise ValueError for no store."""
    boxes = list(_boxes(store[HEADER_BYTES:]))
    if store[4:8] != b"jumb" or len(boxes) < 2:
        raise ValueError("these bytes are no manifest store")
    inside = boxes[0] + boxes[-1]
    return (HEADER_BYTES + len(inside)).to_bytes(4, "big") + b"jumb" + inside


def _boxes(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        length = int.from_bytes(data[start : start + 4], "big")
        if length < HEADER_BYTES or start + length > len(data):
            raise ValueError("a box of this manifest store has no end")
        yield data[start : start + length]
        start += length
