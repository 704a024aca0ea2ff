"""How a changed copy of a picture is recognised: PDQ codes of it and of nine windows of it, and its ISCC image code.

A PDQ code is 256 bits ("The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", Facebook, 2019);
copies that were encoded again or resized differ in few of them. Cropped copies differ in many, so nine windows of
90 % are coded beside the whole: a crop of 10 % is near one of them, or comes near when it is moved a little. The ISCC
image code (ISO 24138, Content-Code Image) is what other registries look up.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from provenance.pdq import LARGEST_SIDE, Plane, code_of, lightness

LEAST_QUALITY = 10
"""Below this PDQ's own measure of detail, a picture has no code: flat pictures are all alike."""
PLAIN_BELOW = 50
"""Below this a picture has codes, and they alone prove nothing: plain pictures come near to each other."""
WINDOW = 0.9
WINDOWS = 9
SURE_WITHIN = 31
"""Bits of 256 up to which two codes are of one picture; beyond, a second method has to confirm it."""
POSSIBLE_WITHIN = 64
"""Bits of 256 up to which two codes may be of one picture."""
SHIFT = 0.02
"""Parts of a side by which a copy is moved: a crop that was cut out between two windows then lies on one of them."""
SHIFTED_WITHIN = 44
"""Bits of 256 up to which a moved copy's code and a window's may be of one picture: it is asked more often."""
ISCC_ALGORITHM = "io.iscc.v0"
"""As C2PA's list of soft binding algorithms names it; the value is one ISCC-UNIT of 256 bits (IEP-0020, a draft)."""
PDQ_ALGORITHM = "org.colophon.pdq-windows.v1"
"""Not in that list; the value is the ten codes one after the other, in base64."""
ISCC_HEADER = bytes([0x21, 0x01])
"""Main type CONTENT (2), sub type IMAGE (1), version 0, length 64 bits (1): ISO 24138, 5.3."""
ISCC_LONG_HEADER = bytes([0x21, 0x07])
"""The same with a length of 256 bits (7); its first 64 bits are those of the short code."""
_ISCC_BYTES = 8
"""Of the short code's body."""
CONFIRMED_WITHIN = 8
"""Bits of 64 up to which two ISCC codes confirm what PDQ codes leave possible."""
FEATURELESS_BELOW = 8
"""Bits set: the codes of plain pictures and plain stripes have fewer, and are all alike."""
BORDER_TOLERANCE = 16
BORDERS_AT_MOST = 16

Grey = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fingerprint:
    """What a picture is recognised by."""

    pdq: tuple[bytes, ...]
    """32 bytes each: the whole picture, then its windows by rows; empty for a picture without enough detail."""
    quality: int
    """PDQ's measure of detail, 0 to 100."""
    iscc: str
    """``ISCC:`` and the 64-bit image code."""
    iscc_unit: bytes = field(default=b"", compare=False)
    """The 256-bit image code with its header, as a manifest states it; empty where it was not kept."""

    @property
    def is_plain(self) -> bool:
        """Say whether the picture has so little detail that its codes alone prove nothing."""
        return self.quality < PLAIN_BELOW

    @property
    def shifted(self) -> tuple[bytes, ...]:
        """Return no codes: what was kept of a picture cannot be moved."""
        return ()


class Look:
    """What a picture would be recognised by, each code computed when somebody first asks for it."""

    def __init__(self, pixels: Any) -> None:
        """Keep an RGB picture, an array of shape (height, width, 3) and dtype uint8; nothing is computed yet."""
        self._picture = Image.fromarray(pixels, "RGB")

    @property
    def iscc(self) -> str:
        """Return ``ISCC:`` and the 64-bit image code."""
        return iscc_text(self._iscc_bits)

    @property
    def iscc_unit(self) -> bytes:
        """Return the 256-bit image code with its header."""
        return ISCC_LONG_HEADER + self._iscc_bits

    @cached_property
    def _iscc_bits(self) -> bytes:
        return iscc_image_bits(self._picture)

    @property
    def quality(self) -> int:
        """Return PDQ's measure of detail, 0 to 100."""
        return self._whole[1]

    @property
    def is_plain(self) -> bool:
        """Say whether the picture has so little detail that its codes alone prove nothing."""
        return self.quality < PLAIN_BELOW

    @cached_property
    def pdq(self) -> tuple[bytes, ...]:
        """Return the codes of the whole picture and its windows; none for a picture without enough detail."""
        if self.quality < LEAST_QUALITY:
            return ()
        return (self._whole[0], *(code_of(window)[0] for window in _windows(self._plane)))

    @cached_property
    def shifted(self) -> tuple[bytes, ...]:
        """Return the codes of the picture moved a little in eight directions, its edges drawn out; none if flat."""
        if self.quality < LEAST_QUALITY:
            return ()
        return tuple(code_of(plane)[0] for plane in _moved(self._plane))

    @cached_property
    def _plane(self) -> Plane:
        size = [min(LARGEST_SIDE, side) for side in self._picture.size]
        small = self._picture.resize((size[0], size[1]), Image.Resampling.BILINEAR, reducing_gap=2.0)
        return lightness(np.asarray(small))

    @cached_property
    def _whole(self) -> tuple[bytes, int]:
        return code_of(self._plane)


def fingerprint_of(pixels: Any) -> Fingerprint:
    """Return the fingerprint of an RGB picture, an array of shape (height, width, 3) and dtype uint8."""
    look = Look(pixels)
    return Fingerprint(pdq=look.pdq, quality=look.quality, iscc=look.iscc, iscc_unit=look.iscc_unit)


def distance(one: bytes, other: bytes) -> int:
    """Return in how many bits two codes of the same length differ."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def iscc_distance(one: str, other: str) -> int:
    """Return in how many of 64 bits two image codes differ; 64 where either is missing or of a featureless picture."""
    bodies = [_iscc_body(code) for code in (one, other)]
    if any(int.from_bytes(body, "big").bit_count() < FEATURELESS_BELOW for body in bodies):
        return 64
    return distance(*bodies)


def _iscc_body(code: str) -> bytes:
    text = code.removeprefix("ISCC:")
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8))[len(ISCC_HEADER) :]
    except ValueError:
        return b""


def nearest(code: bytes, codes: tuple[bytes, ...]) -> tuple[int, int]:
    """Return the least distance of a code to some others, and which of them is that near."""
    return min((distance(code, other), place) for place, other in enumerate(codes))


def apart(copy: tuple[bytes, ...], original: tuple[bytes, ...], *, shifted: tuple[bytes, ...] = ()) -> tuple[int, int]:
    """Return how far a copy's codes are from an original's, and at which of the original's codes they are nearest.

    The copy's whole may be near any window of a picture that it was cropped from; and where something covers a part
    of it, a window that leaves that part out is near the same window of the original. Moved, it counts where it comes
    near enough to a window.
    """
    in_place = ((distance(one, other), place) for place, (one, other) in enumerate(zip(copy, original, strict=False)))
    moved = ((distance(one, other), place) for one in shifted for place, other in enumerate(original) if place)
    near = (found for found in moved if found[0] <= SHIFTED_WITHIN)
    return min(nearest(copy[0], original), *in_place, *near)


def _windows(plane: Any) -> list[Any]:
    height, width = plane.shape[:2]
    high, wide = math.ceil(height * WINDOW), math.ceil(width * WINDOW)
    tops, lefts = ((0, (side - part) // 2, side - part) for side, part in ((height, high), (width, wide)))
    return [plane[top : top + high, left : left + wide] for top in tops for left in lefts]


def _moved(plane: Plane) -> list[Plane]:
    rows, columns = (
        [np.clip(np.arange(side) + step * round(SHIFT * side), 0, side - 1) for step in (-1, 0, 1)]
        for side in plane.shape
    )
    steps = [(down, across) for down in range(3) for across in range(3) if (down, across) != (1, 1)]
    return [plane.take(rows[down], 0).take(columns[across], 1) for down, across in steps]


def iscc_image_bits(picture: Image.Image) -> bytes:
    """Return the 256 bits of an RGB picture's ISCC image code, as iscc-sdk's normaliser and iscc-core make it."""
    grey = _without_borders(picture).convert("L").resize((32, 32), Image.Resampling.BICUBIC)
    frequencies = _cosines(_cosines(np.asarray(grey, dtype=np.float64)).T).T
    squares = (frequencies[top : top + 8, left : left + 8].ravel() for top in (0, 8) for left in (0, 8))
    return b"".join(np.packbits(square > np.median(square)).tobytes() for square in squares)


def iscc_text(bits: bytes) -> str:
    """Return ``ISCC:`` and the 64-bit image code with the first of some bits."""
    return "ISCC:" + base64.b32encode(ISCC_HEADER + bits[:_ISCC_BYTES]).decode().rstrip("=")


def iscc_stated(value: bytes) -> str:
    """Return ``ISCC:`` and the 64-bit image code that a soft binding's value states; empty where it states none.

    The value is ISCC-UNITs one after another, of which others than image codes are passed over; or the text of one, as
    earlier manifests have it.
    """
    if value.startswith(b"ISCC:"):
        text = value.removeprefix(b"ISCC:")
        try:
            value = base64.b32decode(text + b"=" * (-len(text) % 8))
        except ValueError:
            return ""
    long_enough = (unit for unit in _units(value) if unit[0] == ISCC_HEADER[0] and len(unit) >= 2 + _ISCC_BYTES)
    return next((iscc_text(unit[2:]) for unit in long_enough), "")


def _units(value: bytes) -> Iterator[bytes]:
    """Yield each unit with its header, of which the last four bits say how many times 32 bits follow, less one."""
    while len(value) >= 2:
        size = 2 + 4 * ((value[1] & 0x0F) + 1)
        yield value[:size]
        value = value[size:]


def _without_borders(picture: Image.Image) -> Image.Image:
    """Cut plain borders off, one inside the other, each within a tolerance of the colour of its upper left corner.

    What stands on one side alone is cut only when it is plainer still: a sky that fades is no border.
    """
    for _ in range(BORDERS_AT_MOST):
        box = _inside(picture, BORDER_TOLERANCE)
        whole = (0, 0, *picture.size)
        if box is None or box == whole:
            break
        is_one_sided = sum(one != other for one, other in zip(box, whole, strict=True)) == 1
        if is_one_sided and _inside(picture, BORDER_TOLERANCE // 2) != box:
            break
        picture = picture.crop(box)
    return picture


def _inside(picture: Image.Image, tolerance: int) -> tuple[int, int, int, int] | None:
    corner: Any = picture.getpixel((0, 0))
    differs = [255 * (abs(value - ground) > tolerance) for ground in corner for value in range(256)]
    return picture.point(differs).getbbox()


def _cosines(rows: Grey) -> Grey:
    """Return the discrete cosine transform of every row, by the steps that ISO 24138 names, so that ties fall alike.

    Lee, "A new algorithm to compute the discrete cosine transform", 1984.
    """
    length = rows.shape[1]
    if length == 1:
        return rows
    first, second = rows[:, : length // 2], rows[:, : length // 2 - 1 : -1]
    scale = np.array([math.cos((place + 0.5) * math.pi / length) * 2.0 for place in range(length // 2)])
    even, odd = _cosines(first + second), _cosines((first - second) / scale)
    found = np.empty_like(rows)
    found[:, 0::2] = even
    found[:, 1:-1:2] = odd[:, :-1] + odd[:, 1:]
    found[:, -1] = odd[:, -1]
    return found
