"""Copies of a picture in another colour, or several of it side by side, with the words for them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOURS: dict[str, tuple[float, str, str]] = {
    "red": (0.0, "red", "红色"),
    "orange": (28.0, "orange", "橙色"),
    "yellow": (52.0, "yellow", "黄色"),
    "green": (120.0, "green", "绿色"),
    "blue": (215.0, "blue", "蓝色"),
    "purple": (275.0, "purple", "紫色"),
    "pink": (330.0, "pink", "粉色"),
}
"""Hue in degrees, the English word, the Chinese word."""
COUNTS: dict[int, tuple[str, str]] = {2: ("two", "两个"), 3: ("three", "三个")}
SAME_COLOUR = 22.0
"""Degrees between hues that are called by one word."""
SPREAD = 45.0
"""Degrees around a picture's main hue that turn with it."""
LEAST_COLOURED = 0.35
"""Share of the ink that must have the main hue: of anything else one colour cannot be said."""

Picture = NDArray[np.uint8]
"""RGB, shape (height, width, 3)."""


def main_hue(picture: Picture) -> float | None:
    """Return the hue in degrees that most of a picture's ink has, or None where no one colour prevails."""
    hue, saturation, value = _hsv(picture)
    ink = (picture.min(2) < 245).sum()
    coloured = (saturation > 0.25) & (value > 0.15)
    if not ink or not coloured.any():
        return None
    counts = np.bincount((hue[coloured] // 5).astype(int) % 72, minlength=72)
    # Three bins of five degrees: an edge between two bins hides no colour.
    peak = int((counts + np.roll(counts, 1) + np.roll(counts, -1)).argmax())
    near = coloured & (_distance(hue, peak * 5 + 2.5) < SPREAD)
    return peak * 5 + 2.5 if near.sum() >= LEAST_COLOURED * ink else None


def colour_of(picture: Picture) -> str | None:
    """Return the colour word that is nearest to a picture's main hue, or None where no one colour prevails."""
    found = main_hue(picture)
    if found is None:
        return None
    return min(COLOURS, key=lambda name: float(_distance(np.array(found), COLOURS[name][0])))


def recoloured(picture: Picture, *, colour: str) -> Picture | None:
    """Return a picture whose main colour is another one; itself where it has that colour; None where none prevails."""
    found = main_hue(picture)
    if found is None:
        return None
    wanted = COLOURS[colour][0]
    if _distance(np.array(found), wanted) < SAME_COLOUR:
        return picture
    hue, saturation, value = _hsv(picture)
    turned = (np.abs(_distance(hue, found)) < SPREAD) & (saturation > 0.08)
    hue = np.where(turned, (hue + wanted - found) % 360, hue)
    return _rgb(hue, saturation, value)


def repeated(picture: Picture, *, count: int) -> Picture:
    """Return a picture of several small copies, two side by side or three in a triangle, on white."""
    side = picture.shape[0]
    half = side // 2
    small = np.asarray(Image.fromarray(picture).resize((half, half), Image.Resampling.LANCZOS))
    page = np.full_like(picture, 255)
    quarter = side // 4
    places = {2: [(quarter, 0), (quarter, half)], 3: [(0, quarter), (half, 0), (half, half)]}[count]
    for top, left in places:
        page[top : top + half, left : left + half] = small
    return page


def _distance(hue: NDArray[np.float64], other: float) -> NDArray[np.float64]:
    return np.abs((hue - other + 180) % 360 - 180)


def _hsv(picture: Picture) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return hue in degrees, and saturation and value from 0 to 1."""
    colours = picture.astype(np.float64) / 255
    value, low = colours.max(2), colours.min(2)
    spread = value - low
    safe = np.where(spread > 0, spread, 1)
    red, green, blue = colours[..., 0], colours[..., 1], colours[..., 2]
    hue = np.select(
        [spread == 0, value == red, value == green],
        [np.zeros_like(value), (green - blue) / safe % 6, (blue - red) / safe + 2],
        (red - green) / safe + 4,
    )
    return hue * 60, np.where(value > 0, spread / np.where(value > 0, value, 1), 0), value


def _rgb(hue: NDArray[np.float64], saturation: NDArray[np.float64], value: NDArray[np.float64]) -> Picture:
    def channel(offset: float) -> NDArray[np.float64]:
        turn = (offset + hue / 60) % 6
        mixed: NDArray[np.float64] = value - value * saturation * np.clip(np.minimum(turn, 4 - turn), 0, 1)
        return mixed

    mixed: Picture = (np.stack([channel(5), channel(3), channel(1)], 2) * 255).round().astype(np.uint8)
    return mixed
