"""What may be asked of a delivered picture afterwards: another form, a label, or an edit; checked before any work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from PIL import Image

from generation.request import MEDIA_TYPES, OutputFormat, check_form, invalid
from provenance.credentials.label import VisibleLabel
from provenance.credentials.manifest import Edit
from provenance.credentials.marking import LOSSLESS
from provenance.fingerprint import CONFIRMED_WITHIN, POSSIBLE_WITHIN, Fingerprint, apart, iscc_distance

Reason = Literal["format", "label", "crop", "resize", "retouch", "timestamp"]
LARGEST_SIDE = 8_192
LEAST_SIDE = 16
LARGEST_FACTOR = 4
SMALL_SIDE = 32
CORRELATED_FROM = 0.8
"""From here on two pictures of this side are alike, as where a part was painted over or cut off."""
PLAIN_WITHIN = 24
"""Of 255: how far the pixels of two pictures may be apart on average where one is too plain for codes."""


@dataclass(frozen=True)
class Box:
    """A part of a picture, in pixels from its upper left corner."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a delivered picture is turned into; what is None stays as it is."""

    output_format: OutputFormat | None = None
    quality: int | None = None
    label: VisibleLabel | None = None
    crop: Box | None = None
    size: Size | None = None
    retouched: Any = field(default=None, repr=False)
    """Pixels of the picture after an edit elsewhere: uint8 of shape (height, width, 3)."""

    @property
    def reason(self) -> Reason:
        """Return the weightiest of what is changed."""
        if self.retouched is not None:
            return "retouch"
        if self.crop is not None:
            return "crop"
        if self.size is not None:
            return "resize"
        return "label" if self.label is not None else "format"


def check_change(change: Change, *, media_type: str, size: Size) -> None:
    """Raise InvalidRequest, naming the field, for a change that cannot be made to a picture of this type and size."""
    if all(value is None for value in vars(change).values()):
        raise invalid("output_format", "say what is to be changed.", "请说明要作何改动。")
    check_form(change.output_format or media_type.removeprefix("image/"), change.quality)
    if change.crop is not None:
        _check_crop(change.crop, size)
        size = Size(change.crop.width, change.crop.height)
    if change.size is not None:
        _check_size(change.size, size)


def _check_crop(crop: Box, size: Size) -> None:
    inside = crop.left >= 0 and crop.top >= 0
    inside = inside and crop.left + crop.width <= size.width and crop.top + crop.height <= size.height
    if not inside or min(crop.width, crop.height) < LEAST_SIDE:
        raise invalid(
            "crop",
            f"must lie inside {size.width} × {size.height} and be {LEAST_SIDE} pixels or more each way.",
            f"必须位于 {size.width} × {size.height} 之内，且宽高均不少于 {LEAST_SIDE} 像素。",
        )


def _check_size(wanted: Size, size: Size) -> None:
    most = Size(*(min(LARGEST_SIDE, side * LARGEST_FACTOR) for side in (size.width, size.height)))
    if not (LEAST_SIDE <= wanted.width <= most.width and LEAST_SIDE <= wanted.height <= most.height):
        raise invalid(
            "size",
            f"must be from {LEAST_SIDE} × {LEAST_SIDE} to {most.width} × {most.height}.",
            f"必须在 {LEAST_SIDE} × {LEAST_SIDE} 与 {most.width} × {most.height} 之间。",
        )


def changed_pixels(pixels: Any, change: Change) -> Any:
    """Return a picture's pixels, uint8 of shape (height, width, 3), after the edits; a label is drawn when marking."""
    made = change.retouched if change.retouched is not None else pixels
    if change.crop is not None:
        box = change.crop
        made = made[box.top : box.top + box.height, box.left : box.left + box.width]
    if change.size is not None:
        resized = Image.fromarray(np.ascontiguousarray(made)).resize(
            (change.size.width, change.size.height), Image.Resampling.LANCZOS
        )
        made = np.asarray(resized, dtype=np.uint8)
    return np.ascontiguousarray(made)


def resembles(copy: Any, original: Any, *, fingerprints: tuple[Fingerprint, Fingerprint]) -> bool:
    """Say whether one picture may be an edit of another: by their fingerprints, or by their pixels made small."""
    one, other = fingerprints
    if iscc_distance(one.iscc, other.iscc) <= CONFIRMED_WITHIN:
        return True
    small = [_made_small(pixels) for pixels in (copy, original)]
    if one.is_plain or other.is_plain:
        return float(np.abs(small[0] - small[1]).mean()) <= PLAIN_WITHIN
    apart_by = min(apart(one.pdq, other.pdq)[0], apart(other.pdq, one.pdq)[0])
    return apart_by <= POSSIBLE_WITHIN or _correlation(*small) >= CORRELATED_FROM


def _made_small(pixels: Any) -> Any:
    small = Image.fromarray(np.ascontiguousarray(pixels)).resize((SMALL_SIDE, SMALL_SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def _correlation(one: Any, other: Any) -> float:
    first, second = ((pixels - pixels.mean()).ravel() for pixels in (one, other))
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / size if size else 0.0


def edits(change: Change, *, media_type: str, size: Size) -> tuple[Edit, ...]:
    """Return what a manifest tells of a change to a file of this type and size, in the order in which it is made."""
    told = []
    if change.retouched is not None:
        words = "Edited by its requester with other software; what was done there was not seen here"
        told.append(Edit("c2pa.edited", words, by="unknown"))
        size = Size(width=int(change.retouched.shape[1]), height=int(change.retouched.shape[0]))
    if change.crop is not None:
        box = change.crop
        where = f"{box.left},{box.top},{box.width},{box.height}"
        told.append(Edit("c2pa.cropped", "Cropped", parameters={"org.colophon.box": where}))
        size = Size(box.width, box.height)
    if change.size is not None:
        to = f"{change.size.width},{change.size.height}"
        action = "c2pa.resized.proportional" if _is_proportional(size, change.size) else "c2pa.resized"
        told.append(Edit(action, "Resized by resampling", parameters={"org.colophon.size": to}))
    is_alone = not told and change.label is None
    return (*told, *_encoded_again(change, media_type=media_type, is_alone=is_alone))


def _is_proportional(before: Size, after: Size) -> bool:
    """Say whether sides keep their proportion, to the pixel."""
    apart_by = abs(after.width * before.height - after.height * before.width)
    return apart_by < max(before.width, before.height)


def _encoded_again(change: Change, *, media_type: str, is_alone: bool) -> Iterator[Edit]:
    """Yield that a file was encoded again, where that is a change of its own: pixels are lost by it, or its format is.

    A lossy file that was cropped had to be encoded again; that goes without saying.
    """
    to = MEDIA_TYPES[change.output_format] if change.output_format else media_type
    quality = {"org.colophon.quality": str(change.quality)} if change.quality is not None else {}
    if to != media_type:
        names = {"org.colophon.from": media_type, "org.colophon.to": to}
        yield Edit("c2pa.transcoded", "Encoded in another file format", by="nobody", parameters={**names, **quality})
    elif to != LOSSLESS and (quality or is_alone):
        yield Edit("c2pa.transcoded", "Encoded again", by="nobody", parameters=quality)
