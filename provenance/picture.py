"""Strangers' pictures: sniffed, bounded before anything is decoded, and turned into plain RGB."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from provenance.errors import ProvenanceError
from provenance.parts import has_too_many_parts

LARGEST_FILE = 20 * 2**20
LARGEST_PIXELS = 40_000_000
LONGEST_SIDE = 65_535
FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "AVIF": "image/avif"}


class PictureError(ProvenanceError):
    """A picture that cannot be taken in."""


class NotAPicture(PictureError):
    """The bytes are no picture of a kind that Colophon reads."""

    code = "not-a-picture"
    en = "This file is not a PNG, JPEG, WebP or AVIF picture that can be read. Send one of those."
    zh = "该文件不是可读取的 PNG、JPEG、WebP 或 AVIF 图片。请改用上述格式。"


class PictureTooLarge(PictureError):
    """The picture has more bytes or pixels than are decoded."""

    code = "picture-too-large"
    en = "This picture is too large ({what}). Send at most 20 MB, 40 million pixels, and 65,535 a side."
    zh = "图片过大（{what}）。请不要超过 20 MB、4000 万像素以及每边 65,535 像素。"


class TooManyParts(PictureError):
    """The file is cut into more parts than any program writes, which would keep its readers busy."""

    code = "picture-too-many-parts"
    en = "This file is cut into thousands of parts, which no picture needs, so it is not read. Save it anew."
    zh = "该文件被切分成数以千计的部分，图片并不需要如此，因此不予读取。请重新保存后再试。"


@dataclass(frozen=True)
class Picture:
    """A decoded picture: RGB of shape (height, width, 3), uint8, upright."""

    pixels: Any
    media_type: str

    @property
    def width(self) -> int:
        """Return the width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Return the height in pixels."""
        return int(self.pixels.shape[0])


def decode_picture(data: bytes) -> Picture:
    """Return the picture in some bytes, laid on white where it is transparent.

    Raises NotAPicture, or TooManyParts or PictureTooLarge before decoding when the header promises too much.
    """
    if len(data) > LARGEST_FILE:
        raise PictureTooLarge(what=f"{len(data) // 2**20} MB")
    require_few_parts(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=list(FORMATS)) as image:
                if image.width * image.height > LARGEST_PIXELS or max(image.size) > LONGEST_SIDE:
                    raise PictureTooLarge(what=f"{image.width} × {image.height}")
                # Pillow calls a camera's JPEG with further pictures behind the first one MPO.
                kind = "JPEG" if image.format == "MPO" else image.format or ""
                return Picture(pixels=_rgb(image), media_type=FORMATS[kind])
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureTooLarge(what=f"> {LARGEST_PIXELS:,} px") from error
    except Exception as error:  # Pillow's readers of damaged files raise nearly everything
        raise NotAPicture() from error


def require_few_parts(data: bytes) -> None:
    """Raise TooManyParts for a file that is cut into more parts than any program writes."""
    if has_too_many_parts(data):
        raise TooManyParts()


def pixels_promised(data: bytes) -> int:
    """Return how many pixels the header of a picture promises; none of what is no picture. Nothing is decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=list(FORMATS)) as image:
                return int(image.width * image.height)
    except Exception:  # as above: whoever decodes it says what is wrong with it
        return 0


def _rgb(image: Image.Image) -> Any:
    # In place, and converted only where it must be: a copy of the pixels costs as much as their digest.
    ImageOps.exif_transpose(image, in_place=True)
    upright = image
    if upright.mode.startswith("I;16"):  # Pillow would cut 16 bits off at 255 instead of scaling them
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    if "A" in upright.getbands() or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        upright = Image.alpha_composite(ground, layer)
    return np.asarray(upright if upright.mode == "RGB" else upright.convert("RGB"), dtype=np.uint8)
