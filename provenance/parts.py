"""Of how many parts a picture file consists, counted without reading what is in them, and no further than asked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from struct import unpack_from

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_ALONE = {0x01, *range(0xD0, 0xD8)}
"""Markers of JPEG that have no length behind them (T.81, B.1.1.3)."""
_PICTURE, _END = 0xDA, 0xD9


def has_more_parts(data: bytes, *, than: int) -> bool:
    """Say whether a PNG has more chunks than that, a JPEG more segments, a WebP more chunks, an AVIF more boxes."""
    return next(islice(_parts(data), than, None), None) is not None


def _parts(data: bytes) -> Iterator[int]:
    """Yield where each part begins, as far as the lengths lead."""
    if data.startswith(PNG):
        return _chunks(data)
    if data.startswith(JPEG):
        return _segments(data)
    if data[:4] == b"RIFF" and len(data) >= 12:
        return _riff_chunks(data)
    return _boxes(data)


def _chunks(data: bytes) -> Iterator[int]:
    start, kind = len(PNG), b""
    while start + 8 <= len(data) and kind != b"IEND":  # what was hung on behind the end is no chunk
        yield start
        size, kind = unpack_from(">I4s", data, start)
        start += 12 + size


def _riff_chunks(data: bytes) -> Iterator[int]:
    start, end = 12, min(len(data), 8 + unpack_from("<I", data, 4)[0])
    while start + 8 <= end:
        yield start
        (size,) = unpack_from("<I", data, start + 4)
        start += 8 + size + size % 2


def _segments(data: bytes) -> Iterator[int]:
    """Yield the segments up to the compressed picture, which C2PA's reader passes over as one."""
    start = 2
    while start + 4 <= len(data) and data[start] == 0xFF:
        marker = data[start + 1]
        if marker in {_PICTURE, _END}:
            return
        yield start
        if marker == 0xFF:  # a fill byte
            start += 1
        else:
            start += 2 if marker in _ALONE else 2 + max(2, unpack_from(">H", data, start + 2)[0])


def _boxes(data: bytes) -> Iterator[int]:
    start = 0
    while start + 16 <= len(data):
        yield start
        (size,) = unpack_from(">I", data, start)
        if size == 1:
            (size,) = unpack_from(">Q", data, start + 8)
        start += max(8, size) if size else len(data)
