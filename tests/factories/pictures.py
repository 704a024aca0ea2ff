"""Makers of picture files: good ones of every kind, and those that strangers send."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

import numpy as np
from PIL import Image


def a_picture(*, seed: int = 1, width: int = 40, height: int = 24) -> Image.Image:
    """Return a small picture of noise, the same for the same seed."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return a picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def a_png(*, seed: int = 1, width: int = 40, height: int = 24) -> bytes:
    """Return a small PNG of noise."""
    return encoded(a_picture(seed=seed, width=width, height=height))


def an_animated(kind: str) -> bytes:
    """Return a moving picture whose first frame is red and whose second is blue."""
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)


def an_svg() -> bytes:
    """Return a picture made of text, with a script in it."""
    return b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><rect width="9" height="9"/></svg>'


def a_zip() -> bytes:
    """Return an archive with one page in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.html", PAGE)
    return buffer.getvalue()


PAGE = "<html><script>alert(1)</script></html>"


def polyglots() -> dict[str, bytes]:
    """Return files that begin as a PNG and go on as something else."""
    return {"png and html": a_png() + PAGE.encode(), "png and zip": a_png() + a_zip()}


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def a_png_bomb(side: int = 50_000) -> bytes:
    """Return a whole and valid black PNG of ``side`` x ``side`` pixels that is far below 1 MB."""
    row = bytes(1 + (side + 7) // 8)
    packer = zlib.compressobj(9)
    squeezed = b"".join(packer.compress(row * 500) for _ in range(side // 500)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", squeezed) + _chunk(b"IEND", b"")
