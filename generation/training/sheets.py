"""Pictures side by side: small while a style is learned, whole at its end."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from generation.pipelines.contract import Pixels

STRIP_SIDE, MOST_SHOWN, MOST_BYTES = 72, 4, 5_000
COLUMNS, MARGIN = 4, 4


def jpeg_strip(pictures: Sequence[Pixels]) -> bytes:
    """Return the first pictures side by side as a JPEG of at most 5,000 bytes, so that it fits a notification."""
    shown = pictures[:MOST_SHOWN]
    strip = Image.new("RGB", (STRIP_SIDE * len(shown), STRIP_SIDE), "white")
    for n, pixels in enumerate(shown):
        picture = Image.fromarray(pixels)
        picture.thumbnail((STRIP_SIDE, STRIP_SIDE), Image.Resampling.LANCZOS)
        strip.paste(picture, (n * STRIP_SIDE, 0))
    for quality in (80, 60, 40, 20, 5):
        encoded = io.BytesIO()
        strip.save(encoded, "JPEG", quality=quality)
        if encoded.tell() <= MOST_BYTES:
            break
    return encoded.getvalue()


def contact_sheet(pictures: Sequence[Pixels]) -> Image.Image:
    """Return all pictures in rows of four."""
    height, width = pictures[0].shape[:2]
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    page = Image.new("RGB", (columns * (width + MARGIN) + MARGIN, rows * (height + MARGIN) + MARGIN), "white")
    for n, pixels in enumerate(pictures):
        place = (MARGIN + n % columns * (width + MARGIN), MARGIN + n // columns * (height + MARGIN))
        page.paste(Image.fromarray(pixels), place)
    return page
