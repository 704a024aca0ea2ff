"""Draws the contact sheet: a fixed list of prompts, one seed each, none chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from generation.starter.asking import SHEET
from generation.starter.measuring import Pictures
from generation.starter.model_folder import STEPS
from generation.starter.sampling import sample

FIRST_SEED = 2000
MARGIN, LABEL = 6, 34
FONTS = ("NotoSansCJK-Regular.ttc", "NotoSerifCJK-Regular.ttc", "NotoSerifCJK-Bold.ttc", "PingFang.ttc", "msyh.ttc")
"""Looked for by name where the system keeps fonts; without any of them Chinese labels are told by their escapes."""


def sheet_prompts() -> list[str]:
    """Return the prompts of the contact sheet in their order."""
    return [prompt for row in SHEET for prompt in row]


def draw_sheet(
    pipeline: Any, *, guidance_scale: float, path: Path, columns: int = 7, most: int | None = None, steps: int = STEPS
) -> Pictures:
    """Draw the contact sheet, or its beginning, write it, and return its pictures."""
    prompts = sheet_prompts()[:most]
    pictures = sample(pipeline, prompts, guidance_scale=guidance_scale, first_seed=FIRST_SEED, steps=steps)
    path.parent.mkdir(parents=True, exist_ok=True)
    contact_sheet(prompts, pictures, columns=columns).save(path, optimize=True)
    return pictures


def contact_sheet(prompts: Sequence[str], pictures: Pictures, *, columns: int = 7, side: int = 128) -> Image.Image:
    """Return pictures in rows, each over the prompt that it answers."""
    rows = -(-len(prompts) // columns)
    width, height = side + 2 * MARGIN, side + LABEL + MARGIN
    page = Image.new("RGB", (columns * width, rows * height), "white")
    pen, (font, is_chinese) = ImageDraw.Draw(page), _font()
    for number, (prompt, picture) in enumerate(zip(prompts, pictures, strict=True)):
        left, top = (number % columns) * width + MARGIN, (number // columns) * height + MARGIN
        page.paste(Image.fromarray(picture).resize((side, side)), (left, top))
        label = prompt if is_chinese or prompt.isascii() else prompt.encode("unicode_escape").decode()
        for line, text in enumerate(_lines(label, pen=pen, font=font, width=side)):
            pen.text((left, top + side + 1 + 14 * line), text, fill="black", font=font)
    return page


def _font() -> tuple[Any, bool]:
    """Return a font, and whether it has Chinese characters."""
    for name in FONTS:
        try:
            return ImageFont.truetype(name, 11), True
        except OSError:
            continue
    return ImageFont.load_default(11), False


def _lines(text: str, *, pen: ImageDraw.ImageDraw, font: Any, width: int) -> list[str]:
    """Return a text in at most two lines of a width in pixels."""
    lines = [""]
    for piece in text.split(" ") if " " in text else list(text):
        joined = f"{lines[-1]} {piece}".strip() if " " in text else lines[-1] + piece
        if pen.textlength(joined, font=font) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(piece)
    return lines[:2]
