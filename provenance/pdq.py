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
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
Plane = npt.NDArray[np.float32]


def pdq_code(pixels: Any) -> tuple[bytes, int]:
    """Return the code of an RGB picture of shape (height, width, 3), uint8, at most 256 pixels a side, and its quality.

    The code has 32 bytes, the lowest frequency in the last bit; the quality is from 0 to 100.
    """
    plane = pixels.astype(np.float32) @ LUMA
    for _ in range(BLURS):
        plane = _blurred(_blurred(plane.T).T)
    small = plane[_places(plane.shape[0])][:, _places(plane.shape[1])]
    waves = _cosines()
    found = (waves @ small @ waves.T).ravel()
    bits = found > np.partition(found, found.size // 2 - 1)[found.size // 2 - 1]
    return np.packbits(bits[::-1]).tobytes(), _quality(small)


def _blurred(plane: Plane) -> Plane:
    """Return the means of every pixel and the one below it; a small plane stays as it is."""
    if plane.shape[0] > LARGEST_SIDE:
        raise ValueError(f"{plane.shape[0]} pixels a side: scale the picture to {LARGEST_SIDE} first")
    if plane.shape[0] <= 2 * AVERAGES:
        return plane
    return np.concatenate(((plane[:-1] + plane[1:]) / 2, plane[-1:]))


def _places(side: int) -> npt.NDArray[np.int64]:
    return ((np.arange(AVERAGES) + 0.5) * side / AVERAGES).astype(np.int64)


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
