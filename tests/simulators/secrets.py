"""Words that must stay with whoever wrote them, and every way in which bytes could spell them."""

from __future__ import annotations

import base64
import contextlib
import io
import zipfile
import zlib
from collections.abc import Iterator

PROMPT = "a zyzzyva beside a quokka in rain"
NEGATIVE = "kinkajou, blurry"
WORDS = ("zyzzyva", "quokka", "kinkajou")


def spellings(word: str) -> Iterator[bytes]:
    """Yield a word as text of several encodings and cases, as hex digits, and as base64 in all three places."""
    for cased in (word, word.upper(), word.title()):
        yield from (cased.encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
        yield cased.encode().hex().encode()
        for place in range(3):
            code = base64.b64encode(b"\0" * place + cased.encode())
            yield code[(0, 2, 3)[place] : len(code) // 4 * 4 - 4]


def unpacked(data: bytes) -> Iterator[bytes]:
    """Yield bytes, what a zip among them holds, and what their PNG chunks and zlib streams say when inflated."""
    yield data
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from unpacked(archive.read(name))
        return
    for header in (b"\x78\x01", b"\x78\x9c", b"\x78\xda", b"\x78\x5e"):
        start = data.find(header)
        while start >= 0:
            inflated = zlib.decompressobj()
            with contextlib.suppress(zlib.error):
                yield inflated.decompress(data[start:], 2**20)
            start = data.find(header, start + 1)


def leaks(data: bytes) -> list[str]:
    """Return which of the words some bytes say, in whichever spelling."""
    parts = list(unpacked(data))
    return [word for word in WORDS if any(one in part for one in spellings(word) for part in parts)]
