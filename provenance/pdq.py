"""PDQ codes: 256 bits that say what a picture looks like, and how much detail they rest on.

"The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", Facebook, 2019, in numpy: the packages that
bind the published C++ have to be compiled, and a laptop without a compiler must be able to install Colophon.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

LARGEST_SIDE = 256
"""Pixels a side at most: up to here the blur that the algorithm asks for reaches over one or two pixels."""
AVERAGES, FREQUENCIES = 64, 16
BLURS = 2
HALF = np.float32(0.5)
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
Plane = npt.NDArray[np.float32]


def pdq_code(pixels: Any) -> tuple[bytes, int]:
    """Return the code of an RGB picture of shape (height, width, 3), uint8, at most 256 pixels a side, and its quality.

    The code has 32 bytes, the lowest frequency in the last bit; the quality is from 0 to 100.
    """
    return code_of(lightness(pixels))


def lightness(pixels: Any) -> Plane:
    """Return the lightness of RGB pixels of shape (height, width, 3), uint8; the windows of a picture share it."""
    found: Plane = pixels.astype(np.float32) @ LUMA
    return found


def code_of(plane: Plane) -> tuple[bytes, int]:
    """Return the code and quality of a picture's lightness, of shape (height, width), at most 256 pixels a side."""
    small = _averages(plane)
    waves = _cosines()
    found = (waves @ small @ waves.T).ravel()
    bits = found > np.partition(found, found.size // 2 - 1)[found.size // 2 - 1]
    return np.packbits(bits[::-1]).tobytes(), _quality(small)


def _averages(plane: Plane) -> Plane:
    """Return 64 by 64 pixels of the blurred picture: only what they rest on is blurred, to the same bits."""
    down, across = (_reached(side) for side in plane.shape)
    found = plane.take(down.ravel(), 0).take(across.ravel(), 1).reshape(-1, AVERAGES, len(across), AVERAGES)
    while len(found) > 1 or found.shape[2] > 1:
        if found.shape[2] > 1:
            found = (found[:, :, :-1] + found[:, :, 1:]) * HALF
        if len(found) > 1:
            found = (found[:-1] + found[1:]) * HALF
    return found.reshape(AVERAGES, AVERAGES)


@cache
def _reached(side: int) -> npt.NDArray[np.int64]:
    """Return the places along a side that are looked at, and those that the blurs mix into them; none of a small side.

    A blur is the mean of every pixel and the next one; the last stays as it is.
    """
    if side > LARGEST_SIDE:
        raise ValueError(f"{side} pixels a side: scale the picture to {LARGEST_SIDE} first")
    places = ((np.arange(AVERAGES) + 0.5) * side / AVERAGES).astype(np.int64)
    further = np.arange(BLURS + 1 if side > 2 * AVERAGES else 1)
    found: npt.NDArray[np.int64] = np.minimum(places + further[:, None], side - 1)
    return found


@cache
def _cosines() -> Plane:
    """Return the rows 1 to 16 of a discrete cosine transform over 64 places."""
    places, waves = np.arange(AVERAGES), np.arange(1, FREQUENCIES + 1)
    angles = np.pi / (2 * AVERAGES) * waves[:, None] * (2 * places[None, :] + 1)
    found: Plane = (np.sqrt(2 / AVERAGES) * np.cos(angles)).astype(np.float32)
    return found


def _quality(small: Plane) -> int:
    """Return how much the averages differ from their neighbours, cut off at 100."""
    steps = (np.abs(np.trunc(np.diff(small, axis=axis) * 100 / 255)).sum() for axis in (0, 1))
    return min(int(sum(steps) / 90), 100)
