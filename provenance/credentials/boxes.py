"""Where a claim and its signature stand in a manifest store, and putting another signature there.

A store is JUMBF (ISO 19566-5): boxes of a length (uint32, big-endian), a type, and a content, which for ``jumb`` is a
description with a label and further boxes.

    c2pa                       the store
      urn:c2pa:..              one manifest; the last one is the file's own
        c2pa.claim.v2          cbor: the claim
        c2pa.signature         cbor: COSE_Sign1
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CLAIM, SIGNATURE = "c2pa.claim.v2", "c2pa.signature"
_HEADER = 8
_UUID_AND_TOGGLES = 17
_PNG_CHUNK = b"caBX"
_JPEG_START, _JPEG_SCAN, _JPEG_BOXES = b"\xff\xd8", 0xDA, 0xEB
_JPEG_BOX_SEGMENT = b"JP"
_STORE_BEGINS = (
    b"jumb" + bytes.fromhex("0000001e") + b"jumd" + bytes.fromhex("63327061 0011 0010 8000 00aa00389b71 03") + b"c2pa\0"
)
_JPEG_PREFACE = 8
"""In each segment: JP, a number for the box, and a running number from one on."""


@dataclass(frozen=True)
class _Box:
    start: int
    end: int
    type: bytes
    label: str = ""
    content: int = 0
    """Where the boxes inside begin, or the content of a box that has none."""


def claim_of(store: bytes) -> bytes:
    """Return the claim of a store's own manifest (CBOR). Raises ValueError for bytes that are no store."""
    box = _path(store, CLAIM)[-1]
    return store[box.content : box.end]


def signature_of(store: bytes) -> bytes:
    """Return the signature of a store's own manifest (COSE_Sign1). Raises ValueError for bytes that are no store."""
    box = _path(store, SIGNATURE)[-1]
    return store[box.content : box.end]


def manifest_id_of(store: bytes) -> str:
    """Return the label of a store's own manifest. Raises ValueError for bytes that are no store."""
    _, manifest = _own(store)
    return manifest.label


def store_in(data: bytes) -> bytes | None:
    """Return the manifest store that stands in a picture's file, whole or in a JPEG's segments; None where none is."""
    if data.startswith(_JPEG_START):
        wholes = (_joined(data, places) for places in _in_segments(data))
        return next((one for one in map(_store_at_start, wholes) if one), None)
    found = data.find(_STORE_BEGINS)
    return _store_at_start(data[found - 4 :]) if found >= 4 else None


def _store_at_start(data: bytes) -> bytes | None:
    length = int.from_bytes(data[:4])
    return data[:length] if data[4:].startswith(_STORE_BEGINS) and length <= len(data) else None


def with_signature(store: bytes, signature: bytes) -> bytes:
    """Return a store with another signature in its own manifest; every box around it is as long as it has to be.

    Raises ValueError for bytes that are no store.
    """
    path = _path(store, SIGNATURE)
    changed = bytearray(store)
    for box in path:
        changed[box.start : box.start + 4] = (box.end - box.start + len(signature) - _length(path[-1])).to_bytes(4)
    changed[path[-1].content : path[-1].end] = signature
    return bytes(changed)


def with_store(data: bytes, *, old: bytes, new: bytes) -> bytes:
    """Return a picture's file with a store in place of another one of the same length.

    Raises ValueError where the old one does not stand in the file, whole or in a JPEG's segments.
    """
    if len(old) != len(new):
        raise ValueError("a store of another length does not fit into a signed file")
    changed = bytearray(data)
    places = list(_places(data, old))
    if b"".join(data[place.start : place.stop] for place, _ in places) != old:
        raise ValueError("the store does not stand in the file")
    for place, part in places:
        changed[place] = new[part]
        if data[place.start - 4 : place.start] == _PNG_CHUNK:
            changed[place.stop : place.stop + 4] = zlib.crc32(_PNG_CHUNK + new).to_bytes(4)
    return bytes(changed)


def _places(data: bytes, store: bytes) -> Iterator[tuple[slice, slice]]:
    """Yield each part of a file that holds a part of the store, and which."""
    if not data.startswith(_JPEG_START):
        start = data.index(store)
        yield slice(start, start + len(store)), slice(0, len(store))
        return
    done = 0
    for place in next((one for one in _in_segments(data) if _joined(data, one).startswith(store)), ()):
        part = slice(done, min(done + place.stop - place.start, len(store)))
        yield slice(place.start, place.start + part.stop - part.start), part
        done = part.stop


def _joined(data: bytes, places: Sequence[slice]) -> bytes:
    return b"".join(data[place] for place in places)


def _in_segments(data: bytes) -> list[list[slice]]:
    """Return where each box of a JPEG's segments stands: ours, and others' that were there before it."""
    found: list[list[slice]] = []
    latest: dict[bytes, list[slice]] = {}
    for start, end in _jpeg_segments(data):
        number, running = data[start + 2 : start + 4], data[start + 4 : start + _JPEG_PREFACE]
        if number not in latest or int.from_bytes(running) == 1:
            latest[number] = []
            found.append(latest[number])
        header = _HEADER if latest[number] else 0  # every further segment begins with the box's header again
        latest[number].append(slice(start + _JPEG_PREFACE + header, end))
    return found


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield from where to where each segment with boxes goes, without its marker and its length."""
    at = len(_JPEG_START)
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _JPEG_SCAN:
        start, end = at + 4, at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if data[at + 1] == _JPEG_BOXES and data[start : start + 2] == _JPEG_BOX_SEGMENT:
            yield start, end
        at = end


def _path(store: bytes, label: str) -> tuple[_Box, ...]:
    """Return the boxes from the store down to the content of one of its own manifest's."""
    whole, manifest = _own(store)
    named = next((box for box in _boxes(store, manifest.content, manifest.end) if box.label == label), None)
    if named is None:
        raise ValueError(f"the manifest has no {label}")
    (content,) = _boxes(store, named.content, named.end)
    return whole, manifest, named, content


def _own(store: bytes) -> tuple[_Box, _Box]:
    (whole,) = _boxes(store, 0, len(store))
    *_, manifest = _boxes(store, whole.content, whole.end)
    return whole, manifest


def _boxes(store: bytes, start: int, end: int) -> Iterator[_Box]:
    while start < end:
        length, kind = int.from_bytes(store[start : start + 4]), store[start + 4 : start + _HEADER]
        if not _HEADER <= length <= end - start:
            raise ValueError("a box does not end where it says")
        label, content = _described(store, start + _HEADER) if kind == b"jumb" else ("", start + _HEADER)
        yield _Box(start, start + length, kind, label, content)
        start += length


def _described(store: bytes, start: int) -> tuple[str, int]:
    end = start + int.from_bytes(store[start : start + 4])
    name = store[start + _HEADER + _UUID_AND_TOGGLES : end].partition(b"\0")[0]
    return name.decode(errors="replace"), end


def _length(box: _Box) -> int:
    return box.end - box.content
