"""The visible label, drawn into a picture's pixels.

GB 45438-2025, 4.2: letters at least 5 % of the shortest side high. White letters on a dark plate stay legible on any
picture.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from provenance.credentials.label import LINES, Position, VisibleLabel

FONT = Path(__file__).parent / "fonts" / "colophon-label.otf"
LEAST_SHARE = 0.05
LEAST_HEIGHT = 9
"""Pixels of a capital letter below which people cannot read it, kept where the picture has room for it."""
PLATE_OPACITY = 0.72
"""Over pure white this leaves a grey of 71, on which white has a contrast of 9:1; WCAG 2.2 asks for 4.5:1."""


def draw_label(pixels: Any, label: VisibleLabel) -> Any:
    """Return a copy of an RGB array of shape (height, width, 3), uint8, with the label in it."""
    height, width = pixels.shape[:2]
    font = _font_for(width, height, label)
    mask = _lettering(label, font)
    left, top = _corner(label.position, width, height, mask)
    drawn = np.array(pixels, dtype=np.uint8)
    part = drawn[top : top + mask.shape[0], left : left + mask.shape[1]]
    ink = mask[: part.shape[0], : part.shape[1], None].astype(np.float32) / 255
    plate = part.astype(np.float32) * (1 - PLATE_OPACITY)
    part[...] = np.rint(plate * (1 - ink) + 255 * ink).astype(np.uint8)
    return drawn


def letter_height(font: ImageFont.FreeTypeFont) -> int:
    """Return the height of a capital letter in pixels, the least of the label's full-height characters."""
    _, top, _, bottom = font.getbbox("A")
    return int(bottom - top)


def _font_for(width: int, height: int, label: VisibleLabel) -> ImageFont.FreeTypeFont:
    """Return the smallest size that the rule allows, or towards a legible one the largest that fits."""
    needed = -(-min(width, height) * LEAST_SHARE // 1)
    for letters in range(LEAST_HEIGHT, int(needed), -1):
        rows, columns = _lettering(label, font := _sized_for(letters)).shape
        if rows <= height and columns <= width:
            return font
    return _sized_for(needed)


@lru_cache(maxsize=64)
def _sized_for(letters: float) -> ImageFont.FreeTypeFont:
    size = max(int(letters), 1)
    while letter_height(font := _font(size)) < letters:
        size += 1
    return font


def _font(size: int) -> ImageFont.FreeTypeFont:
    # Pillow's own layout: the same letters on every machine, whatever shaping library it has.
    return ImageFont.truetype(FONT, size, layout_engine=ImageFont.Layout.BASIC)


def _lettering(label: VisibleLabel, font: ImageFont.FreeTypeFont) -> Any:
    """Return the label's ink, of shape (rows, columns), 0 to 255, with the plate's margin around it."""
    lines = LINES[label.language]
    margin = max(int(font.size * 0.35), 1)
    boxes = [font.getbbox(line) for line in lines]
    columns = int(max(right - left for left, _, right, _ in boxes)) + 2 * margin
    rows = sum(int(bottom - top) for _, top, _, bottom in boxes) + margin * (len(lines) + 1)
    canvas = Image.new("L", (columns, rows), 0)
    draw = ImageDraw.Draw(canvas)
    down = margin
    for line, (left, top, right, bottom) in zip(lines, boxes, strict=True):
        draw.text(((columns - (right - left)) // 2 - left, down - top), line, fill=255, font=font)
        down += int(bottom - top) + margin
    return np.asarray(canvas)


def _corner(position: Position, width: int, height: int, mask: Any) -> tuple[int, int]:
    rows, columns = mask.shape
    gap = max(min(width, height) // 50, 0)
    left = {"left": gap, "right": width - columns - gap}.get(position.split("-")[-1], (width - columns) // 2)
    top = gap if position.startswith("top") else height - rows - gap
    return max(min(left, width - columns), 0), max(min(top, height - rows), 0)
