"""Of how many parts a picture file consists, counted without reading what is in them, and no further than asked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from struct import unpack_from

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_ALONE = {0x01, *range(0xD0, 0xD8)}
"""Markers of JPEG that have no length behind them (T.81, B.1.1.3)."""
_PICTURE, _END = 0xDA, 0xD9
MOST_PARTS = 20_000
"""Chunks of a PNG or WebP, segments of a JPEG: 64 MB in libpng's pieces of 8 kB are 8,000."""
MOST_BOXES = 2_000
"""Boxes of an AVIF, at every depth: C2PA's reader takes four seconds for 20,000 in one box, and minutes for 200,000."""
_HOLDING = {
    **dict.fromkeys(
        (
            b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts", b"udta", b"mvex", b"moof", b"traf", b"mfra",
            b"sinf", b"schi", b"iprp", b"ipco", b"grpl", b"tref", b"treff",
        ),
        8,
    ),
    b"meta": 12,
    b"iref": 12,
    b"iinf": 14,
    b"dref": 16,
    b"stsd": 16,
}  # fmt: skip
"""Boxes that hold boxes, and how far behind their beginning the first one lies (ISO/IEC 14496-12)."""


def has_too_many_parts(data: bytes) -> bool:
    """Say whether a picture is cut into more parts than any program writes."""
    is_box = not data.startswith((PNG, JPEG, b"RIFF"))
    return has_more_parts(data, than=MOST_BOXES if is_box else MOST_PARTS)


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
    """Yield the boxes in their order, each before those that it holds."""
    within = [(0, len(data))]
    while within:
        start, end = within.pop()
        if start + 8 > end:
            continue
        yield start
        size, kind = unpack_from(">I4s", data, start)
        wide = 0
        if size == 1 and start + 16 <= end:
            (size,), wide = unpack_from(">Q", data, start + 8), 8
        next_one = min(end, start + max(8, size)) if size else end
        within.append((next_one, end))
        if kind in _HOLDING:
            is_bare = kind == b"meta" and data[start + wide + 12 : start + wide + 16] == b"hdlr"  # as QuickTime has it
            within.append((start + wide + (8 if is_bare else _HOLDING[kind]), next_one))
