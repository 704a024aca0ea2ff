"""A set of works to train on, drawn by this script: ``python -m generation.training.cut_paper FOLDER``.

Forty-eight subjects in one manner: flat cut paper on a cream page, a thick ink contour, hatching where the light does
not fall. Drawn for the tests and the README of this project; its authors dedicate the pictures to the public
domain (CC0-1.0). The same file each time, byte for byte, with the same Pillow.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from generation.training.cut_paper_subjects import DRAWINGS, Shape

SIDE = 256
FINE = 4 * SIDE
PAGE, INK = (247, 236, 214), (31, 41, 71)
PAPERS = {
    "red": (214, 69, 48), "ochre": (235, 172, 62), "green": (74, 138, 92), "teal": (58, 146, 156),
    "rose": (236, 170, 160), "white": (255, 252, 244), "brown": (146, 96, 62), "ink": INK, "grey": (150, 154, 166),
}  # fmt: skip
CONTOUR = 2.0
"""Width of the contour, in hundredths of the picture's side, as all of the drawings' numbers are."""
SHADE, HATCH_EVERY, HATCH = 9.0, 3.4, 1.1
AUTHOR, LICENCE = "Colophon's authors", "CC0-1.0"


@dataclass(frozen=True)
class Drawn:
    """One work of the set."""

    name: str
    name_zh: str
    png: bytes


def drawings() -> Iterator[Drawn]:
    """Yield every work of the set, always in the same order and with the same bytes."""
    for name, (name_zh, shapes) in DRAWINGS.items():
        buffer = io.BytesIO()
        picture(shapes).save(buffer, "PNG", optimize=True)
        yield Drawn(name, name_zh, buffer.getvalue())


def picture(shapes: tuple[Shape, ...]) -> Image.Image:
    """Return shapes as cut paper laid one over the other."""
    page = Image.new("RGB", (FINE, FINE), PAGE)
    for kind, paper, *numbers in shapes:
        _lay(page, _SHAPES[kind](*numbers), colour=PAPERS[paper])
    return page.resize((SIDE, SIDE), Image.Resampling.LANCZOS).quantize(64, dither=Image.Dither.NONE).convert("RGB")


def _lay(page: Image.Image, piece: Image.Image, *, colour: tuple[int, int, int]) -> None:
    """Lay one piece of paper: its contour, its colour, its hatched side."""
    wide = piece.filter(ImageFilter.GaussianBlur(_fine(CONTOUR) / 2)).point(lambda value: 255 if value > 20 else 0)
    page.paste(INK, mask=wide)
    page.paste(colour, mask=piece)
    away = _fine(SHADE)
    lit = Image.new("L", piece.size)
    lit.paste(piece, (-away, -away))
    shade = ImageChops.multiply(ImageChops.subtract(piece, lit), _stripes())
    page.paste(tuple(round(0.45 * a + 0.55 * b) for a, b in zip(colour, INK, strict=True)), mask=shade)


@cache
def _stripes() -> Image.Image:
    stripes = Image.new("L", (FINE, FINE))
    pen = ImageDraw.Draw(stripes)
    for start in range(-FINE, FINE, _fine(HATCH_EVERY)):
        pen.line([(start, FINE), (start + FINE, 0)], fill=255, width=_fine(HATCH))
    return stripes


def _fine(hundredths: float) -> int:
    return round(hundredths * FINE / 100)


def _piece(draw: Callable[[ImageDraw.ImageDraw], None]) -> Image.Image:
    piece = Image.new("L", (FINE, FINE))
    draw(ImageDraw.Draw(piece))
    return piece


def _disc(x: float, y: float, wide: float, high: float | None = None) -> Image.Image:
    high = wide if high is None else high
    box = [_fine(value) for value in (x - wide, y - high, x + wide, y + high)]
    return _piece(lambda pen: pen.ellipse(box, fill=255))


def _cut(*numbers: float) -> Image.Image:
    """Return a piece cut along straight lines."""
    return _piece(lambda pen: pen.polygon(_points(numbers), fill=255))


def _blob(*numbers: float) -> Image.Image:
    """Return a piece cut along a curve through the points (Catmull and Rom, 1974)."""
    corners = _points(numbers)
    count, curve = len(corners), []
    for n in range(count):
        a, b, c, d = (corners[(n + k - 1) % count] for k in range(4))
        for step in range(24):
            t = step / 24
            curve.append(tuple(_between(*values, t=t) for values in zip(a, b, c, d, strict=True)))
    return _piece(lambda pen: pen.polygon(curve, fill=255))


def _between(a: float, b: float, c: float, d: float, *, t: float) -> float:
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def _band(wide: float, *numbers: float) -> Image.Image:
    """Return a strip of paper along some points, with round ends."""
    points, half = _points(numbers), _fine(wide) / 2

    def draw(pen: ImageDraw.ImageDraw) -> None:
        pen.line(points, fill=255, width=_fine(wide), joint="curve")
        for x, y in points:
            pen.ellipse([x - half, y - half, x + half, y + half], fill=255)

    return _piece(draw)


def _ring(x: float, y: float, wide: float, inner: float) -> Image.Image:
    return ImageChops.subtract(_disc(x, y, wide), _disc(x, y, inner))


def _points(numbers: tuple[float, ...]) -> list[tuple[float, float]]:
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return [(x * FINE / 100, y * FINE / 100) for x, y in pairs]


_SHAPES: dict[str, Callable[..., Image.Image]] = {
    "disc": _disc, "cut": _cut, "blob": _blob, "band": _band, "ring": _ring
}  # fmt: skip


def write(folder: Path) -> int:
    """Write the set as PNG files with a list of them, ``works.csv``; return how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for drawn in drawings():
        file = f"{drawn.name.replace(' ', '-')}.png"
        (folder / file).write_bytes(drawn.png)
        rows.append([file, drawn.name, drawn.name_zh, AUTHOR, LICENCE, "Drawn by generation/training/cut_paper.py."])
    with open(folder / "works.csv", "w", newline="", encoding="utf-8") as table:
        csv.writer(table).writerows([["file", "title", "title_zh", "author", "licence", "rights_evidence"], *rows])
    return len(rows)


if __name__ == "__main__":
    print(f"{write(Path(sys.argv[1]))} works in {sys.argv[1]}")
