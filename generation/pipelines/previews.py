"""Small pictures of work in progress."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from generation.pipelines.contract import Pixels

LONGEST_SIDE = 96
MOST_BYTES = 5_000


def jpeg_preview(picture: Pixels) -> bytes:
    """Return a JPEG of at most 5,000 bytes, its longest side at most 96 pixels."""
    image = Image.fromarray(picture)
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BILINEAR)
    for quality in (75, 50, 25, 10):
        encoded = BytesIO()
        image.save(encoded, "JPEG", quality=quality)
        if encoded.tell() <= MOST_BYTES:
            break
    return encoded.getvalue()
