"""What can happen to a signed PNG on its way: each function is one thing that somebody does to it."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from tests.simulators.pictures import picture

SIGNATURE = b"\x89PNG\r\n\x1a\n"
STORE = b"caBX"
"""The chunk that holds a manifest store (C2PA 2.4, A.3.2)."""

Chunk = tuple[bytes, bytes]


def with_other_pixel(png: bytes) -> bytes:
    """Change one pixel and leave every chunk but the picture's data as it is."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).copy()
    pixels[0, 0] ^= 0xFF
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    data = [(b"IDAT", zlib.compress(rows))]
    chunks = [chunk for chunk in chunks_of(png) if chunk[0] != b"IDAT"]
    return joined([*chunks[:-1], *data, chunks[-1]])


def with_trailing_byte(png: bytes) -> bytes:
    """Add a byte behind the end."""
    return png + b"\0"


def with_inserted_chunk(png: bytes) -> bytes:
    """Add a comment behind the header."""
    first, *rest = chunks_of(png)
    return joined([first, (b"tEXt", b"Comment\0hello"), *rest])


def with_edited_assertion(png: bytes, before: bytes, after: bytes) -> bytes:
    """Replace words inside the manifest by others of the same length."""
    assert len(before) == len(after), "the boxes' lengths would no longer fit"
    assert before in png
    return joined((name, data.replace(before, after) if name == STORE else data) for name, data in chunks_of(png))


def with_broken_signature(png: bytes) -> bytes:
    """Change the last bytes of the signed claim's signature."""
    start = png.index(b"c2pa.signature\0", png.index(b"c2pa.claim.v2\0"))
    place = png.index(b"\xf6\x58\x40", start) + 10  # a nil payload, then a byte string of 64
    return _recounted(png[:place] + bytes([png[place] ^ 1]) + png[place + 1 :])


def stripped(png: bytes) -> bytes:
    """Take the manifest out."""
    return joined(chunk for chunk in chunks_of(png) if chunk[0] != STORE)


def saved_again(png: bytes) -> bytes:
    """Open and save the picture with a program that knows nothing of C2PA."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png)).save(buffer, "PNG")
    return buffer.getvalue()


def moved_onto(other: bytes, *, store_of: bytes) -> bytes:
    """Put one picture's manifest into another picture, at the place where it stood."""
    source = chunks_of(store_of)
    place = next(index for index, chunk in enumerate(source) if chunk[0] == STORE)
    chunks = [chunk for chunk in chunks_of(other) if chunk[0] != STORE]
    return joined([*chunks[:place], source[place], *chunks[place:]])


def with_two_stores(png: bytes) -> bytes:
    """Put the manifest in twice."""
    return joined(copy for chunk in chunks_of(png) for copy in ([chunk, chunk] if chunk[0] == STORE else [chunk]))


def chunks_of(png: bytes) -> list[Chunk]:
    """Return the chunks of a PNG: name and data."""
    return list(_chunks(png))


def joined(chunks: Iterator[Chunk] | list[Chunk]) -> bytes:
    """Return a PNG of these chunks, every checksum right."""
    return SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def _chunks(png: bytes) -> Iterator[Chunk]:
    place = len(SIGNATURE)
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        yield png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        place += 12 + length


def _recounted(png: bytes) -> bytes:
    return joined(chunks_of(png))


CHANGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a pixel": (with_other_pixel, "manifest.integrity"),
    "a trailing byte": (with_trailing_byte, "manifest.integrity"),
    "an inserted chunk": (with_inserted_chunk, "manifest.integrity"),
    "an edited assertion": (lambda png: with_edited_assertion(png, b"red fox", b"big dog"), "manifest.integrity"),
    "an edited licence": (lambda png: with_edited_assertion(png, b"CC-BY-4.0", b"CC-BY-3.0"), "manifest.integrity"),
    "a broken signature": (with_broken_signature, "signature.valid"),
    "another picture": (lambda png: moved_onto(picture(seed=2), store_of=png), "manifest.integrity"),
    "a second store": (with_two_stores, "manifest.present"),
}
"""Each change to a signed picture with the check that it fails."""
