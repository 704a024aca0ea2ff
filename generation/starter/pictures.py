"""From an SVG body to the picture that is trained on: drawn, trimmed, centred on white."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

SIDE = 128
LONGEST = 120
DRAWN_AT = 256


def svg_of(icons: dict[str, Any], name: str) -> str:
    """Return one icon of an Iconify set as a whole SVG document."""
    icon = icons["icons"][name]
    left, top = icon.get("left", 0), icon.get("top", 0)
    width = icon.get("width", icons.get("width", 16))
    height = icon.get("height", icons.get("height", 16))
    box = f"{left} {top} {width} {height}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        f' width="{width}" height="{height}" viewBox="{box}">{icon["body"]}</svg>'
    )


def draw(svg: str) -> Image.Image:
    """Return an SVG drawn by resvg, trimmed to its ink and centred: RGB, 128 x 128, on white."""
    import resvg_py

    png = resvg_py.svg_to_bytes(svg_string=svg, width=DRAWN_AT, height=DRAWN_AT, skip_system_fonts=True)
    drawn = Image.open(io.BytesIO(png)).convert("RGBA")
    ink = drawn.getchannel("A").point(lambda alpha: 255 if alpha > 8 else 0).getbbox()
    if ink is not None:
        drawn = drawn.crop(ink)
    scale = LONGEST / max(drawn.size)
    size = (max(1, round(drawn.width * scale)), max(1, round(drawn.height * scale)))
    # Premultiplied, so that the colour of transparent pixels does not bleed into the edges.
    drawn = drawn.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    page = Image.new("RGBA", (SIDE, SIDE), "white")
    page.alpha_composite(drawn, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return page.convert("RGB")


def thumbnail(picture: Image.Image, *, side: int = 64) -> bytes:
    """Return a small WebP of a picture."""
    buffer = io.BytesIO()
    picture.resize((side, side), Image.Resampling.LANCZOS).save(buffer, "WEBP", quality=82, method=6)
    return buffer.getvalue()
